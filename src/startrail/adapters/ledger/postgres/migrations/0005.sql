-- The ledger, version 5: schedules and their ticks.

-- Since when each schedule is watched, and through which instant its ticks have been decided.
create table watches (
    name text primary key,
    cron text not null,
    timezone text not null,
    since text not null,
    through text not null
);

-- One row per tick that a run has claimed. Ticks that were missed or left out are facts.
create table ticks (
    seq bigint generated always as identity primary key,
    schedule text not null,
    scheduled_for text not null,
    state text not null,
    run text not null,
    attempts integer not null,
    claimed_at text not null,
    ended_at text,
    unique (schedule, scheduled_for)
);
create index ticks_open on ticks (schedule) where state = 'running';
create index ticks_end on ticks (schedule, ended_at);
create index ticks_run on ticks (run);
