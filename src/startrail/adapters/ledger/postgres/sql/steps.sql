-- Steps. Lists of keys come as one JSON text.

-- name: columns
select key, kind, subject, partition, code, inputs, state, run, started_at, ended_at, attempts, output, error from steps

-- A published step stays as it is: its output is visible.
-- name: record
insert into steps (key, kind, subject, partition, code, inputs, state, run, started_at, ended_at, attempts, output, error, is_view, refused, contract)
values (%(key)s, %(kind)s, %(subject)s, %(partition)s, %(code)s, %(inputs)s, %(state)s, %(run)s, %(started_at)s, %(ended_at)s, %(attempts)s, %(output)s, %(error)s, %(is_view)s, %(refused)s, %(contract)s)
on conflict (key) do update set
    state = excluded.state, run = excluded.run, started_at = excluded.started_at, ended_at = excluded.ended_at,
    attempts = excluded.attempts, output = excluded.output, error = excluded.error, is_view = excluded.is_view,
    refused = excluded.refused, contract = excluded.contract
where steps.state <> 'published';

-- name: publish
update steps set state = 'published', publication = %(publication)s where key = %(key)s;

-- name: known
select key from steps where key = any(array(select jsonb_array_elements_text(%(keys)s::jsonb)));

-- The load step of a delivery has the delivery's id as its partition.
-- name: mark_loaded
update deliveries set loaded = 1
where id in (select partition from steps where kind = 'load' and key = any(array(select jsonb_array_elements_text(%(keys)s::jsonb))));

-- A step that took the rows of a delivery out, for a new version of its file.
-- name: mark_withdrawn
update deliveries set loaded = 4
where id in (select partition from steps where kind = 'load' and key = any(array(select jsonb_array_elements_text(%(keys)s::jsonb))) and output::jsonb -> 'note' ->> 'withdrawn' is not null);

-- name: by_keys
-- use: columns
where key = any(array(select jsonb_array_elements_text(%(keys)s::jsonb)));

-- name: loads_of
-- use: columns
where kind = 'load' and partition = any(array(select jsonb_array_elements_text(%(keys)s::jsonb)));

-- One query per index, newest first; the most selective filter leads.
-- name: by_run
-- use: columns
where run = %(run)s and (%(subject)s::text is null or subject = %(subject)s) and (%(kind)s::text is null or kind = %(kind)s)
order by coalesce(ended_at, started_at) desc, seq desc limit %(limit)s;

-- name: by_subject
-- use: columns
where subject = %(subject)s and (%(kind)s::text is null or kind = %(kind)s)
order by coalesce(ended_at, started_at) desc, seq desc limit %(limit)s;

-- name: by_kind
-- use: columns
where kind = %(kind)s
order by coalesce(ended_at, started_at) desc, seq desc limit %(limit)s;

-- name: by_end
-- use: columns
order by coalesce(ended_at, started_at) desc, seq desc limit %(limit)s;

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
where subject = %(subject)s and ended_at is not null
order by coalesce(ended_at, started_at) desc, seq desc limit %(limit)s;
