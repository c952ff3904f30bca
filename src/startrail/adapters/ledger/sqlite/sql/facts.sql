-- Facts: see startrail.ledger.chain for what makes them a chain.

-- name: columns
select seq, at, kind, subject, run, payload, previous, hash from facts

-- name: head
select value from meta where key = 'facts.head';

-- name: move_head
update meta set value = :head where key = 'facts.head';

-- name: append
insert into facts (seq, at, kind, subject, run, payload, previous, hash)
values (:seq, :at, :kind, :subject, :run, :payload, :previous, :hash);

-- name: latest
-- use: columns
order by seq desc limit 1;

-- name: last_seq
select max(seq) from facts;

-- One page of the chain for verification, whatever it holds.
-- name: raw
-- use: columns
where seq > :after and seq <= :upto order by seq limit :limit;

-- One query per index: the most selective filter leads, the others are looked at in passing.
-- name: by_run
-- use: columns
where run = :run and seq > :after and (:subject is null or subject = :subject) and (:kind is null or kind = :kind)
order by seq limit :limit;

-- name: by_subject
-- use: columns
where subject = :subject and seq > :after and (:kind is null or kind = :kind)
order by seq limit :limit;

-- name: by_kind
-- use: columns
where kind = :kind and seq > :after
order by seq limit :limit;

-- name: by_seq
-- use: columns
where seq > :after
order by seq limit :limit;

-- The last one of a kind about a subject.
-- name: newest_about
-- use: columns
where subject = :subject and kind = :kind
order by seq desc limit 1;
