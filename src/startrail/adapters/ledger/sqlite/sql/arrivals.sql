-- Expected files: what is declared, what became of each instant, and which names have landed.

-- name: declared
select source, what, since from expectations order by source, what;

-- name: declare
insert into expectations (source, what, since) values (:source, :what, :since)
on conflict (source, what) do nothing;

-- name: forget
delete from expectations where source = :source and what = :what;

-- name: of_source
select source, what, due, state, file, at from arrivals
where source = :source and due >= :since order by due, what;

-- name: missing
select source, what, due, state, file, at from arrivals
where state = 'missing' order by source, due, what;

-- What has arrived stays arrived; what was missing may still come, or be wanted no more.
-- name: record
insert into arrivals (source, what, due, state, file, at) values (:source, :what, :due, :state, :file, :at)
on conflict (source, what, due) do update set state = excluded.state, file = excluded.file, at = excluded.at
where arrivals.state = 'missing' and excluded.state <> 'missing';

-- name: landed
select name, first_at, at from landed_names
where source = :source and name >= :first and name < :beyond and at is not null and at > :since
order by name;

-- name: looked
select at from looks where source = :source;

-- name: look
insert into looks (source, at) values (:source, :at)
on conflict (source) do update set at = excluded.at;

-- name: names
select name, delivery, told, gone_at from landed_names where source = :source and within = 0;

-- name: go
update landed_names set gone_at = :at where source = :source and name = :name;

-- name: come_back
update landed_names set gone_at = null where source = :source and name = :name;

-- name: settle
update landed_names set told = delivery where source = :source and name = :name;

-- Deliveries of names that have had several, which no name stands for any more.
-- name: superseded
select d.id, d.name, d.loaded, n.delivery, later.loaded from landed_names as n
join deliveries as d on d.source = n.source and d.name = n.name and d.id <> n.delivery
join deliveries as later on later.id = n.delivery
where n.source = :source and n.versions > 1 and d.loaded in (0, 1)
    and not exists (select 1 from landed_names as other where other.delivery = d.id)
order by d.seq;

-- name: returned
select d.id from deliveries as d
where d.source = :source and d.loaded = 4 and exists (select 1 from landed_names as n where n.delivery = d.id)
order by d.seq;
