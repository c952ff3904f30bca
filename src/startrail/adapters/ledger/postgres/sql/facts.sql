-- Facts: see startrail.ledger.chain for what makes them a chain.

-- name: columns
select seq, at, kind, subject, run, payload, previous, hash from facts

-- name: head
select value from meta where key = 'facts.head';

-- name: move_head
update meta set value = %(head)s where key = 'facts.head';

-- name: append
insert into facts (seq, at, kind, subject, run, payload, previous, hash)
values (%(seq)s, %(at)s, %(kind)s, %(subject)s, %(run)s, %(payload)s, %(previous)s, %(hash)s);

-- name: latest
-- use: columns
order by seq desc limit 1;

-- name: last_seq
select max(seq) from facts;

-- One page of the chain for verification, whatever it holds.
-- name: raw
-- use: columns
where seq > %(after)s and seq <= %(upto)s order by seq limit %(limit)s;

-- One query per index: the most selective filter leads, the others are looked at in passing.
-- name: by_run
-- use: columns
where run = %(run)s and seq > %(after)s and (%(subject)s::text is null or subject = %(subject)s) and (%(kind)s::text is null or kind = %(kind)s)
order by seq limit %(limit)s;

-- name: by_subject
-- use: columns
where subject = %(subject)s and seq > %(after)s and (%(kind)s::text is null or kind = %(kind)s)
order by seq limit %(limit)s;

-- name: by_kind
-- use: columns
where kind = %(kind)s and seq > %(after)s
order by seq limit %(limit)s;

-- name: by_seq
-- use: columns
where seq > %(after)s
order by seq limit %(limit)s;

-- The last one of a kind about a subject.
-- name: newest_about
-- use: columns
where subject = %(subject)s and kind = %(kind)s
order by seq desc limit 1;
