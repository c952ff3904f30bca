-- Schedules: through which instant they are decided, and the ticks that runs have claimed.

-- name: watches
select name, cron, timezone, since, through from watches order by name;

-- name: watch
insert into watches (name, cron, timezone, since, through) values (:name, :cron, :timezone, :since, :through)
on conflict (name) do nothing;

-- A schedule that was given another expression is watched anew, unless somebody was quicker.
-- name: change
update watches set cron = :cron, timezone = :timezone, since = :since, through = :through
where name = :name and through <= :through and (cron <> :cron or timezone <> :timezone);

-- Compare and set: two that decide about the same ticks never both do.
-- name: pass
update watches set through = :through where name = :name and through = :before;

-- name: reach
update watches set through = :at where name = :name and through < :at;

-- name: claim
insert into ticks (schedule, scheduled_for, state, run, attempts, claimed_at)
values (:schedule, :at, 'running', :run, 1, :now)
on conflict (schedule, scheduled_for) do nothing;

-- name: take_over
update ticks set run = :run, attempts = attempts + 1, claimed_at = :now
where schedule = :schedule and scheduled_for = :at and run = :dead and state = 'running';

-- name: give_up
update ticks set state = 'missed', ended_at = :now
where schedule = :schedule and scheduled_for = :at and run = :dead and state = 'running';

-- A run that lost its tick to another one ends nothing.
-- name: end
update ticks set state = :state, ended_at = :now where run = :run and state = 'running';

-- name: columns
select t.schedule, t.scheduled_for, t.state, t.run, t.attempts, t.claimed_at, t.ended_at,
       coalesce(r.state, 'abandoned') <> 'running'
from ticks t left join runs r on r.id = t.run

-- Two questions, so that each is answered from its own index however many ticks there have been.
-- name: open
-- use: columns
where t.state = 'running'
union all
select t.schedule, t.scheduled_for, t.state, t.run, t.attempts, t.claimed_at, t.ended_at, 0
from watches w cross join ticks t
where t.schedule = w.name and t.ended_at > w.through and t.claimed_at < :until
order by 2;

-- name: newest
-- use: columns
where t.schedule = :schedule
order by t.scheduled_for desc limit :limit;
