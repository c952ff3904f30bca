-- Steps. Lists of keys come as one JSON text.

-- name: columns
select key, kind, subject, partition, code, inputs, state, run, started_at, ended_at, attempts, output, error from steps

-- A published step stays as it is: its output is visible.
-- name: record
insert into steps (key, kind, subject, partition, code, inputs, state, run, started_at, ended_at, attempts, output, error, is_view, refused, contract)
values (:key, :kind, :subject, :partition, :code, :inputs, :state, :run, :started_at, :ended_at, :attempts, :output, :error, :is_view, :refused, :contract)
on conflict (key) do update set
    state = excluded.state, run = excluded.run, started_at = excluded.started_at, ended_at = excluded.ended_at,
    attempts = excluded.attempts, output = excluded.output, error = excluded.error, is_view = excluded.is_view,
    refused = excluded.refused, contract = excluded.contract
where steps.state <> 'published';

-- name: publish
update steps set state = 'published', publication = :publication where key = :key;

-- name: known
select key from steps where key in (select value from json_each(:keys));

-- The load step of a delivery has the delivery's id as its partition. The plus keeps SQLite from reading every load.
-- name: mark_loaded
update deliveries set loaded = 1
where id in (select partition from steps where +kind = 'load' and key in (select value from json_each(:keys)));

-- A step that took the rows of a delivery out, for a new version of its file.
-- name: mark_withdrawn
update deliveries set loaded = 4
where id in (select partition from steps where +kind = 'load' and key in (select value from json_each(:keys)) and json_extract(output, '$.note.withdrawn') is not null);

-- name: by_keys
-- use: columns
where key in (select value from json_each(:keys));

-- The index is named because SQLite, knowing nothing of our data, would take one that reads every load step.
-- name: loads_of
-- use: columns
indexed by steps_loads where kind = 'load' and partition in (select value from json_each(:keys));

-- One query per index, newest first; the most selective filter leads.
-- name: by_run
-- use: columns
where run = :run and (:subject is null or subject = :subject) and (:kind is null or kind = :kind)
order by coalesce(ended_at, started_at) desc, seq desc limit :limit;

-- name: by_subject
-- use: columns
where subject = :subject and (:kind is null or kind = :kind)
order by coalesce(ended_at, started_at) desc, seq desc limit :limit;

-- name: by_kind
-- use: columns
where kind = :kind
order by coalesce(ended_at, started_at) desc, seq desc limit :limit;

-- name: by_end
-- use: columns
order by coalesce(ended_at, started_at) desc, seq desc limit :limit;

-- A view counts while no later publication built its subject as something else.
-- name: views
-- use: columns
where is_view = 1 and state = 'published' and not exists (
    select 1 from steps as later
    where later.kind = 'build' and later.state = 'published' and later.subject = steps.subject
    and (coalesce(later.publication, 0), later.seq) > (coalesce(steps.publication, 0), steps.seq)
)
order by subject;

-- How long steps of a subject took, newest first, without what they left.
-- name: took
select kind, run, state, started_at, ended_at, error from steps
where subject = :subject and ended_at is not null
order by coalesce(ended_at, started_at) desc, seq desc limit :limit;
