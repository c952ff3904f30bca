-- Runs.

-- name: unfinished
select id from runs where lease = %(lease)s and state = 'running' order by seq;

-- name: abandon
update runs set state = 'abandoned', ended_at = %(at)s where lease = %(lease)s and state = 'running' and id <> %(run)s;

-- name: start
insert into runs (id, started_at, state, ended_at, profile, project, lease)
values (%(id)s, %(started_at)s, %(state)s, %(ended_at)s, %(profile)s, %(project)s, %(lease)s)
on conflict (id) do nothing;

-- A run that was found dead stays so, even if its process comes back to say otherwise.
-- name: end
update runs set state = %(state)s, ended_at = %(at)s where id = %(id)s and state = 'running';

-- name: newest
select id, started_at, state, ended_at, profile, project from runs order by seq desc limit %(limit)s;
