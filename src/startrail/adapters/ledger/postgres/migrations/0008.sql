-- The ledger, version 8: versions of files, also of those that come in archives.

-- 1 for a name within an archive, which no listing shows.
alter table landed_names add column within integer not null default 0;

create index if not exists deliveries_name on deliveries (source, name);
create index if not exists deliveries_withdrawn on deliveries (source) where loaded = 4;
