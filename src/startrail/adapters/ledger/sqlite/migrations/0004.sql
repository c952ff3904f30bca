-- The ledger, version 4: the outbox, alerts that wait until an endpoint takes them.

create table outbox (
    seq integer primary key,
    id text not null unique,
    endpoint text not null,
    key text not null,
    action text not null,
    -- 0 info ... 3 page
    rank integer not null,
    alert text not null,
    state text not null,
    attempts integer not null default 0,
    -- when it was first due, and when it is tried next
    wanted_at text not null,
    due_at text not null,
    ended_at text,
    reason text
);
create index outbox_due on outbox (endpoint, due_at) where state = 'waiting';
create index outbox_turn on outbox (endpoint, rank desc, seq) where state = 'waiting';
create index outbox_line on outbox (endpoint, key, seq) where state = 'waiting';
create index outbox_key on outbox (endpoint, key, seq) where state in ('waiting', 'sent');
create index outbox_given_up on outbox (seq) where state in ('refused', 'failed');
