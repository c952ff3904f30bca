-- The ledger, version 2: the contracts under which something was loaded, and which loads refused rows.

-- Each document as it stood in the project; a fact names its digest.
create table contract_versions (
    seq bigint generated always as identity primary key,
    name text not null,
    version text not null,
    fingerprint text not null,
    document text not null,
    path text not null,
    run text not null,
    at text not null,
    unique (name, version, fingerprint)
);

-- Rows that a load quarantined or held: lets a query find those deliveries without reading any output.
alter table steps add column refused bigint not null default 0;
update steps set refused = coalesce((output::json -> 'counts' ->> 'quarantined')::bigint, 0) + coalesce((output::json -> 'counts' ->> 'held')::bigint, 0)
where kind = 'load' and output is not null;
create index steps_refused on steps (subject, partition) where refused > 0;

-- name@version#fingerprint of the contract that a load used.
alter table steps add column contract text;
create index steps_contract on steps (contract, partition) where contract is not null;

-- From now on `deliveries.loaded` is 2 for a delivery that a person discarded while it was held.
