-- The ledger, version 7: the same bytes may be several deliveries of a source, and archives hold deliveries.

-- Where names of files say what their rows lack, equal bytes under names that say different things are different rows.
-- `parent` is the archive that the file came in. SQLite can drop a constraint only with its table.
create table deliveries_7 (
    seq integer primary key,
    id text not null unique,
    source text not null,
    name text not null,
    sha256 text not null,
    size integer not null,
    landed_at text not null,
    media text not null,
    run text not null,
    source_time text,
    cursor text,
    -- 0: waits to be loaded. 1: a load step of it is published. 2: discarded while it was held. 3: an archive, unpacked.
    -- 4: its rows were taken out, since its file came again.
    loaded integer not null default 0,
    parent text
);
insert into deliveries_7
select seq, id, source, name, sha256, size, landed_at, media, run, source_time, cursor, loaded, null from deliveries;
drop table deliveries;
alter table deliveries_7 rename to deliveries;
create index deliveries_name on deliveries (source, name);
create index deliveries_withdrawn on deliveries (source) where loaded = 4;
create index deliveries_source on deliveries (source, seq);
create index deliveries_pending on deliveries (source, seq) where loaded = 0;
create index deliveries_parent on deliveries (parent) where parent is not null;
create index deliveries_packed on deliveries (source, seq) where loaded = 0 and media in ('zip', 'tar') and parent is null;
