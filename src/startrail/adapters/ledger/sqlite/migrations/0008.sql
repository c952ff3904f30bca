-- The ledger, version 8: finds the versions of a file by its name, and those that were taken out.

create index if not exists deliveries_name on deliveries (source, name);
create index if not exists deliveries_withdrawn on deliveries (source) where loaded = 4;
