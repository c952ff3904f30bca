-- What is visible. `iceberg_tables` is shared with other programs, so every pointer moves by compare-and-set.

-- name: find
select seq from publications where id = %(id)s;

-- name: record
insert into publications (id, run, at) values (%(id)s, %(run)s, %(at)s);

-- name: ensure_namespace
insert into iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
values (%(catalog)s, %(namespace)s, 'exists', 'true')
on conflict do nothing;

-- name: insert_pointer
insert into iceberg_tables
    (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
values (%(catalog)s, %(namespace)s, %(name)s, %(metadata)s, %(previous)s, 'TABLE')
on conflict do nothing;

-- name: move_pointer
update iceberg_tables set metadata_location = %(metadata)s, previous_metadata_location = %(previous)s
where catalog_name = %(catalog)s and table_namespace = %(namespace)s and table_name = %(name)s
and metadata_location = %(previous)s and (iceberg_type = 'TABLE' or iceberg_type is null);

-- name: pointers
select table_namespace, table_name, metadata_location, previous_metadata_location from iceberg_tables
where catalog_name = %(catalog)s and metadata_location is not null and (iceberg_type = 'TABLE' or iceberg_type is null)
order by table_namespace, table_name;

-- name: set_version
insert into versions (table_name, partition, version) values (%(table)s, %(partition)s, %(version)s)
on conflict (table_name, partition) do update set version = excluded.version;

-- name: versions
select table_name, partition, version from versions order by table_name, partition;

-- name: record_hold
insert into holds (id, run, at) values (%(id)s, %(run)s, %(at)s) on conflict do nothing;

-- name: hold_change
insert into held_changes (table_name, hold, change) values (%(table)s, %(hold)s, %(change)s)
on conflict (table_name) do update set hold = excluded.hold, change = excluded.change;

-- name: forget_held
delete from held_changes where table_name = %(table)s;

-- name: held
select change from held_changes where table_name = %(table)s;

-- name: held_tables
select table_name from held_changes order by table_name;

-- name: end_holds
delete from held_changes;
