-- The ledger, version 1. Instants are UTC text of fixed width, so that text order is time order.

create table meta (
    key text primary key,
    value text not null
);
insert into meta values ('facts.head', '0 0000000000000000000000000000000000000000000000000000000000000000');

-- What happened. Each row's hash covers the row and the hash of the one before; `facts.head` names the last.
create table facts (
    seq bigint primary key,
    at text not null,
    kind text not null,
    subject text not null,
    run text,
    payload text not null,
    previous text not null,
    hash text not null
);
create index facts_kind on facts (kind, seq);
create index facts_subject on facts (subject, seq);
create index facts_run on facts (run, seq);
-- Against accidents; against a forger stands the chain.
create function facts_are_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'facts are append-only';
end
$$;
create trigger facts_stay before update or delete or truncate on facts
    for each statement execute function facts_are_append_only();

create table runs (
    seq bigint generated always as identity primary key,
    id text not null unique,
    started_at text not null,
    state text not null,
    ended_at text,
    profile text not null,
    project text not null,
    lease text not null
);
create index runs_unfinished on runs (lease) where state = 'running';

create table deliveries (
    seq bigint generated always as identity primary key,
    id text not null unique,
    source text not null,
    name text not null,
    sha256 text not null,
    size bigint not null,
    landed_at text not null,
    media text not null,
    run text not null,
    source_time text,
    cursor text,
    -- 1 when a load step of it is published: lets a query find the others without looking at all
    loaded integer not null default 0,
    unique (source, sha256)
);
create index deliveries_source on deliveries (source, seq);
create index deliveries_pending on deliveries (source, seq) where loaded = 0;

-- What each source's listing showed: names that landed, names left growing, the greatest cursor.
create table landed_names (
    source text not null,
    name text not null,
    stamp text not null,
    primary key (source, name)
);
create table growing_names (
    source text not null,
    name text not null,
    stamp text not null,
    primary key (source, name)
);
create table cursors (
    source text primary key,
    cursor text not null
);

create table steps (
    seq bigint generated always as identity primary key,
    key text not null unique,
    kind text not null,
    subject text not null,
    partition text not null,
    code text not null,
    inputs text not null,
    state text not null,
    run text not null,
    started_at text collate "C" not null,
    ended_at text collate "C",
    attempts integer not null,
    output text,
    error text,
    is_view integer not null,
    -- the newest publication that named it
    publication bigint
);
create index steps_end on steps (coalesce(ended_at, started_at), seq);
create index steps_kind on steps (kind, coalesce(ended_at, started_at), seq);
create index steps_subject on steps (subject, coalesce(ended_at, started_at), seq);
create index steps_run on steps (run, coalesce(ended_at, started_at), seq);
create index steps_loads on steps (partition) where kind = 'load';
create index steps_published_builds on steps (subject, publication) where kind = 'build' and state = 'published';
create index steps_views on steps (subject) where is_view = 1 and state = 'published';

create table publications (
    seq bigint generated always as identity primary key,
    id text not null unique,
    run text not null,
    at text not null
);
create table versions (
    table_name text not null,
    partition text not null,
    version text not null,
    primary key (table_name, partition)
);

create table holds (
    id text primary key,
    run text not null,
    at text not null
);
-- The staged change of each table whose newest hold no publication has followed.
create table held_changes (
    table_name text primary key,
    hold text not null,
    change text not null
);

-- A row stays when its lease is released (holder is null), so that tokens only grow.
create table leases (
    name text primary key,
    holder text,
    token bigint not null,
    expires_at text not null
);

create table cache (
    kind text not null,
    key text not null,
    value bytea not null,
    primary key (kind, key)
);

-- The Iceberg SQL catalog, version 1, as other programs know it.
create table iceberg_tables (
    catalog_name varchar(255) not null,
    table_namespace varchar(255) not null,
    table_name varchar(255) not null,
    metadata_location varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type varchar(5),
    primary key (catalog_name, table_namespace, table_name)
);
create table iceberg_namespace_properties (
    catalog_name varchar(255) not null,
    namespace varchar(255) not null,
    property_key varchar(255) not null,
    property_value varchar(1000) not null,
    primary key (catalog_name, namespace, property_key)
);
