-- Schedules: through which instant they are decided, and the ticks that runs have claimed.

-- name: watches
select name, cron, timezone, since, through from watches order by name;

-- name: watch
insert into watches (name, cron, timezone, since, through) values (%(name)s, %(cron)s, %(timezone)s, %(since)s, %(through)s)
on conflict (name) do nothing;

-- A schedule that was given another expression is watched anew, unless somebody was quicker.
-- name: change
update watches set cron = %(cron)s, timezone = %(timezone)s, since = %(since)s, through = %(through)s
where name = %(name)s and through <= %(through)s and (cron <> %(cron)s or timezone <> %(timezone)s);

-- Compare and set: two that decide about the same ticks never both do.
-- name: pass
update watches set through = %(through)s where name = %(name)s and through = %(before)s;

-- name: reach
update watches set through = %(at)s where name = %(name)s and through < %(at)s;

-- name: claim
insert into ticks (schedule, scheduled_for, state, run, attempts, claimed_at)
values (%(schedule)s, %(at)s, 'running', %(run)s, 1, %(now)s)
on conflict (schedule, scheduled_for) do nothing;

-- name: take_over
update ticks set run = %(run)s, attempts = attempts + 1, claimed_at = %(now)s
where schedule = %(schedule)s and scheduled_for = %(at)s and run = %(dead)s and state = 'running';

-- name: give_up
update ticks set state = 'missed', ended_at = %(now)s
where schedule = %(schedule)s and scheduled_for = %(at)s and run = %(dead)s and state = 'running';

-- A run that lost its tick to another one ends nothing.
-- name: end
update ticks set state = %(state)s, ended_at = %(now)s where run = %(run)s and state = 'running';

-- name: columns
select t.schedule, t.scheduled_for, t.state, t.run, t.attempts, t.claimed_at, t.ended_at,
       coalesce(r.state, 'abandoned') <> 'running'
from ticks t left join runs r on r.id = t.run

-- Two questions, so that each is answered from its own index however many ticks there have been.
-- name: open
-- use: columns
where t.state = 'running'
union all
select t.schedule, t.scheduled_for, t.state, t.run, t.attempts, t.claimed_at, t.ended_at, false
from watches w cross join ticks t
where t.schedule = w.name and t.ended_at > w.through and t.claimed_at < %(until)s
order by 2;

-- name: newest
-- use: columns
where t.schedule = %(schedule)s
order by t.scheduled_for desc limit %(limit)s;
