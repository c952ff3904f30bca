-- Deliveries, and what a source's last listing showed.

-- name: columns
select id, source, name, sha256, size, landed_at, media, run, source_time, cursor, parent from deliveries

-- The same bytes of a source twice are one delivery.
-- name: record
insert into deliveries (id, source, name, sha256, size, landed_at, media, run, source_time, cursor, parent)
values (%(id)s, %(source)s, %(name)s, %(sha256)s, %(size)s, %(landed_at)s, %(media)s, %(run)s, %(source_time)s, %(cursor)s, %(parent)s)
on conflict do nothing;

-- name: remember_name
insert into landed_names (source, name, stamp, delivery, first_at, at, within)
values (%(source)s, %(name)s, %(stamp)s, %(delivery)s, %(at)s, %(at)s, %(within)s)
on conflict (source, name) do update set
    stamp = excluded.stamp, at = excluded.at, gone_at = null, delivery = excluded.delivery,
    versions = landed_names.versions + case when landed_names.delivery = excluded.delivery then 0 else 1 end;

-- name: names
select name, stamp from landed_names where source = %(source)s and within = 0;

-- name: forget_growing
delete from growing_names where source = %(source)s;

-- name: remember_growing
insert into growing_names (source, name, stamp) values (%(source)s, %(name)s, %(stamp)s);

-- name: growing
select name, stamp from growing_names where source = %(source)s;

-- name: cursor
select cursor from cursors where source = %(source)s;

-- name: move_cursor
insert into cursors (source, cursor) values (%(source)s, %(cursor)s)
on conflict (source) do update set cursor = excluded.cursor;

-- name: one
-- use: columns
where id = %(id)s;

-- name: all
-- use: columns
order by seq;

-- name: of_source
-- use: columns
where source = %(source)s order by seq;

-- name: pending
-- use: columns
where source = %(source)s and loaded = 0 order by seq;

-- name: refused
-- use: columns
where id in (
    select partition from steps
    where kind = 'load' and subject = %(source)s and refused > 0 and state in ('published', 'held')
)
order by seq;

-- name: loaded_before
select id from deliveries where source = %(source)s and loaded = 1 and landed_at < %(landed_at)s order by seq desc limit %(limit)s;

-- name: discard
update deliveries set loaded = 2 where id = %(id)s and loaded = 0;

-- name: unpacked
update deliveries set loaded = 3 where id = %(id)s and loaded = 0;

-- name: packed
-- use: columns
where source = %(source)s and loaded = 0 and media in ('zip', 'tar') and parent is null order by seq;
