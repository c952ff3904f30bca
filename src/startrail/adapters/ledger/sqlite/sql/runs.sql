-- Runs.

-- name: unfinished
select id from runs where lease = :lease and state = 'running' order by seq;

-- name: abandon
update runs set state = 'abandoned', ended_at = :at where lease = :lease and state = 'running' and id <> :run;

-- name: start
insert into runs (id, started_at, state, ended_at, profile, project, lease)
values (:id, :started_at, :state, :ended_at, :profile, :project, :lease)
on conflict (id) do nothing;

-- A run that was found dead stays so, even if its process comes back to say otherwise.
-- name: end
update runs set state = :state, ended_at = :at where id = :id and state = 'running';

-- name: newest
select id, started_at, state, ended_at, profile, project from runs order by seq desc limit :limit;
