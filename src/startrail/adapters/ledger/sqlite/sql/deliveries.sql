-- Deliveries, and what a source's last listing showed.

-- name: columns
select id, source, name, sha256, size, landed_at, media, run, source_time, cursor, parent from deliveries

-- The same bytes of a source twice are one delivery.
-- name: record
insert into deliveries (id, source, name, sha256, size, landed_at, media, run, source_time, cursor, parent)
values (:id, :source, :name, :sha256, :size, :landed_at, :media, :run, :source_time, :cursor, :parent)
on conflict do nothing;

-- name: remember_name
insert into landed_names (source, name, stamp, delivery, first_at, at, within)
values (:source, :name, :stamp, :delivery, :at, :at, :within)
on conflict (source, name) do update set
    stamp = excluded.stamp, at = excluded.at, gone_at = null, delivery = excluded.delivery,
    versions = landed_names.versions + case when landed_names.delivery = excluded.delivery then 0 else 1 end;

-- name: names
select name, stamp from landed_names where source = :source and within = 0;

-- name: forget_growing
delete from growing_names where source = :source;

-- name: remember_growing
insert into growing_names (source, name, stamp) values (:source, :name, :stamp);

-- name: growing
select name, stamp from growing_names where source = :source;

-- name: cursor
select cursor from cursors where source = :source;

-- name: move_cursor
insert into cursors (source, cursor) values (:source, :cursor)
on conflict (source) do update set cursor = excluded.cursor;

-- name: one
-- use: columns
where id = :id;

-- name: all
-- use: columns
order by seq;

-- name: of_source
-- use: columns
where source = :source order by seq;

-- name: pending
-- use: columns
where source = :source and loaded = 0 order by seq;

-- The index is named because SQLite, knowing nothing of our data, would take one that reads every load step.
-- name: refused
-- use: columns
where id in (
    select partition from steps indexed by steps_refused
    where kind = 'load' and subject = :source and refused > 0 and state in ('published', 'held')
)
order by seq;

-- name: loaded_before
select id from deliveries where source = :source and loaded = 1 and landed_at < :landed_at order by seq desc limit :limit;

-- name: discard
update deliveries set loaded = 2 where id = :id and loaded = 0;

-- name: unpacked
update deliveries set loaded = 3 where id = :id and loaded = 0;

-- name: packed
-- use: columns
where source = :source and loaded = 0 and media in ('zip', 'tar') and parent is null order by seq;
