-- Alerts that wait for their endpoints. Rows of one endpoint and key go in the order of seq.

-- name: columns
select seq, id, endpoint, alert, state, attempts, wanted_at, due_at, ended_at, reason from outbox

-- The same row twice is one row.
-- name: add
insert into outbox (id, endpoint, key, action, rank, alert, state, wanted_at, due_at, ended_at, reason)
values (:id, :endpoint, :key, :action, :rank, :alert, :state, :due_at, :due_at, :ended_at, :reason)
on conflict (id) do nothing;

-- name: known
select 1 from outbox where id = :id;

-- What the endpoint knows or will know of a key: the newest row first.
-- name: told
select seq, action, rank, state, attempts, due_at, id from outbox
where endpoint = :endpoint and key = :key and state in ('waiting', 'sent') order by seq desc limit :limit;

-- What stands before a row of the same key must not keep it waiting for an hour that is only quiet.
-- name: hasten
update outbox set due_at = :due_at
where endpoint = :endpoint and key = :key and state = 'waiting' and attempts = 0 and due_at > :due_at;

-- name: coalesce
update outbox set state = 'coalesced', ended_at = :at, reason = :reason where seq = :seq;

-- name: due_endpoints
select distinct endpoint from outbox where state = 'waiting' and due_at <= :now order by endpoint;

-- The most urgent due row that is the first of its key. The index is named because SQLite would sort all that is due.
-- name: next
-- use: columns
indexed by outbox_turn where endpoint = :endpoint and state = 'waiting' and due_at <= :now and not exists (
    select 1 from outbox as before
    where before.endpoint = outbox.endpoint and before.key = outbox.key and before.state = 'waiting' and before.seq < outbox.seq
)
order by rank desc, seq limit 1;

-- name: tried
update outbox set attempts = attempts + 1 where seq = :seq;

-- A row that somebody else has settled meanwhile stays as it is.
-- name: settle
update outbox set state = :state, due_at = :due_at, ended_at = :ended_at, reason = :reason where seq = :seq and state = 'waiting';

-- name: rest
update outbox set due_at = :due_at where endpoint = :endpoint and state = 'waiting' and due_at < :due_at;

-- name: back
update outbox set due_at = :now where endpoint = :endpoint and state = 'waiting' and attempts > 0 and due_at > :now;

-- name: one
-- use: columns
where seq = :seq;

-- name: waiting
-- use: columns
where state = 'waiting' order by seq limit :limit;

-- name: given_up
-- use: columns
where state in ('refused', 'failed') order by seq desc limit :limit;

-- name: newest
-- use: columns
order by seq desc limit :limit;

-- name: revive
update outbox set state = 'waiting', due_at = :now, wanted_at = :now, attempts = 0, ended_at = null, reason = null
where state in ('refused', 'failed');

-- name: drop
update outbox set state = 'dropped', ended_at = :at where state in ('refused', 'failed');

-- name: counts
select endpoint, state, count(*), sum(case when attempts > 0 then 1 else 0 end), min(wanted_at) from outbox
where state in ('waiting', 'refused', 'failed') group by endpoint, state order by endpoint, state;
