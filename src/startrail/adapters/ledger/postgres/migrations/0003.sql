-- The ledger, version 3: incidents.

-- What the facts `incident.*` come to, and rebuilt from them alone. `document` is the whole incident as JSON.
create table incidents (
    id text primary key,
    key text not null,
    state text not null,
    severity text not null,
    cause text not null,
    subject text not null,
    repeats bigint not null,
    -- of the last fact about it
    seq bigint not null,
    opened_at text not null,
    mitigated_at text,
    resolved_at text,
    document text not null
);
create index incidents_seq on incidents (seq);
create index incidents_standing on incidents (seq) where state <> 'resolved';
create index incidents_ended on incidents (resolved_at) where resolved_at is not null;
-- One cause is one incident, whoever writes.
create unique index incidents_one_per_cause on incidents (key) where state <> 'resolved';

-- Facts up to here have been read for incidents. What happened before this version opens none.
insert into meta (key, value) select 'incidents.mark', split_part(value, ' ', 1) || ' 0' from meta where key = 'facts.head';
