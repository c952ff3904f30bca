-- The ledger, version 7: the same bytes may be several deliveries of a source, and archives hold deliveries.

-- Where names of files say what their rows lack, equal bytes under names that say different things are different rows.
alter table deliveries drop constraint if exists deliveries_source_sha256_key;
-- The archive that the file came in. From now on `deliveries.loaded` is 3 for an archive that was unpacked.
alter table deliveries add column if not exists parent text;
create index if not exists deliveries_parent on deliveries (parent) where parent is not null;
create index if not exists deliveries_packed on deliveries (source, seq) where loaded = 0 and media in ('zip', 'tar') and parent is null;
