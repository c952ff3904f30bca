-- The ledger, version 6: what became of names at a source, and what was expected there.

-- Which delivery a name stands for now, and stood for when a whole listing was last compared with what is remembered
-- (null: not yet); since when the name is gone from there.
alter table landed_names add column delivery text;
alter table landed_names add column told text;
alter table landed_names add column gone_at text;
alter table landed_names add column first_at text;
alter table landed_names add column at text;
alter table landed_names add column versions integer not null default 1;
create index deliveries_name on deliveries (source, name);
update landed_names set (delivery, first_at, at) = (
    select id, landed_at, landed_at from deliveries
    where deliveries.source = landed_names.source and deliveries.name = landed_names.name
    order by seq desc limit 1
);
update landed_names set told = delivery;
update landed_names set versions = (
    select count(*) from deliveries where deliveries.source = landed_names.source and deliveries.name = landed_names.name
) where delivery is not null;
create index landed_names_delivery on landed_names (delivery);
create index landed_names_versions on landed_names (source) where versions > 1;
-- From now on `deliveries.loaded` is 4 for a delivery whose rows were taken out, since its file came again.

-- When each source was last listed to its end.
create table looks (
    source text primary key,
    at text not null
);

-- Since when each expectation is declared as it is.
create table expectations (
    source text not null,
    what text not null,
    since text not null,
    primary key (source, what)
);

-- What became of each instant at which something was expected: missing, arrived or dropped.
create table arrivals (
    source text not null,
    what text not null,
    due text not null,
    state text not null,
    file text not null,
    at text not null,
    primary key (source, what, due)
);
create index arrivals_missing on arrivals (source) where state = 'missing';
