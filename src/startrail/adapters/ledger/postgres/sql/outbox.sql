-- Alerts that wait for their endpoints. Rows of one endpoint and key go in the order of seq.

-- name: columns
select seq, id, endpoint, alert, state, attempts, wanted_at, due_at, ended_at, reason from outbox

-- The same row twice is one row.
-- name: add
insert into outbox (id, endpoint, key, action, rank, alert, state, wanted_at, due_at, ended_at, reason)
values (%(id)s, %(endpoint)s, %(key)s, %(action)s, %(rank)s, %(alert)s, %(state)s, %(due_at)s, %(due_at)s, %(ended_at)s, %(reason)s)
on conflict (id) do nothing;

-- name: known
select 1 from outbox where id = %(id)s;

-- What the endpoint knows or will know of a key: the newest row first.
-- name: told
select seq, action, rank, state, attempts, due_at, id from outbox
where endpoint = %(endpoint)s and key = %(key)s and state in ('waiting', 'sent') order by seq desc limit %(limit)s;

-- What stands before a row of the same key must not keep it waiting for an hour that is only quiet.
-- name: hasten
update outbox set due_at = %(due_at)s
where endpoint = %(endpoint)s and key = %(key)s and state = 'waiting' and attempts = 0 and due_at > %(due_at)s;

-- name: coalesce
update outbox set state = 'coalesced', ended_at = %(at)s, reason = %(reason)s where seq = %(seq)s;

-- name: due_endpoints
select distinct endpoint from outbox where state = 'waiting' and due_at <= %(now)s order by endpoint;

-- The most urgent due row that is the first of its key.
-- name: next
-- use: columns
where endpoint = %(endpoint)s and state = 'waiting' and due_at <= %(now)s and not exists (
    select 1 from outbox as before
    where before.endpoint = outbox.endpoint and before.key = outbox.key and before.state = 'waiting' and before.seq < outbox.seq
)
order by rank desc, seq limit 1;

-- name: tried
update outbox set attempts = attempts + 1 where seq = %(seq)s;

-- A row that somebody else has settled meanwhile stays as it is.
-- name: settle
update outbox set state = %(state)s, due_at = %(due_at)s, ended_at = %(ended_at)s, reason = %(reason)s where seq = %(seq)s and state = 'waiting';

-- name: rest
update outbox set due_at = %(due_at)s where endpoint = %(endpoint)s and state = 'waiting' and due_at < %(due_at)s;

-- name: back
update outbox set due_at = %(now)s where endpoint = %(endpoint)s and state = 'waiting' and attempts > 0 and due_at > %(now)s;

-- name: one
-- use: columns
where seq = %(seq)s;

-- name: waiting
-- use: columns
where state = 'waiting' order by seq limit %(limit)s;

-- name: given_up
-- use: columns
where state in ('refused', 'failed') order by seq desc limit %(limit)s;

-- name: newest
-- use: columns
order by seq desc limit %(limit)s;

-- name: revive
update outbox set state = 'waiting', due_at = %(now)s, wanted_at = %(now)s, attempts = 0, ended_at = null, reason = null
where state in ('refused', 'failed');

-- name: drop
update outbox set state = 'dropped', ended_at = %(at)s where state in ('refused', 'failed');

-- name: counts
select endpoint, state, count(*), sum(case when attempts > 0 then 1 else 0 end), min(wanted_at) from outbox
where state in ('waiting', 'refused', 'failed') group by endpoint, state order by endpoint, state;
