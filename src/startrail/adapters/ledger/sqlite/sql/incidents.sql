-- Incidents: what the facts `incident.*` come to. Changed only together with such facts.

-- name: mark
select value from meta where key = 'incidents.mark';

-- name: move_mark
insert into meta (key, value) values ('incidents.mark', :mark)
on conflict (key) do update set value = excluded.value;

-- name: by_ids
select document from incidents where id in (select value from json_each(:keys));

-- Those that are not over, and those that ended after an instant.
-- name: standing
select document from incidents where state <> 'resolved' or resolved_at > :since order by seq desc limit :limit;

-- name: newest
select document from incidents order by seq desc limit :limit;

-- name: put
insert into incidents (id, key, state, severity, cause, subject, repeats, seq, opened_at, mitigated_at, resolved_at, document)
values (:id, :key, :state, :severity, :cause, :subject, :repeats, :seq, :opened_at, :mitigated_at, :resolved_at, :document)
on conflict (id) do update set
    state = excluded.state, severity = excluded.severity, repeats = excluded.repeats, seq = excluded.seq,
    mitigated_at = excluded.mitigated_at, resolved_at = excluded.resolved_at, document = excluded.document;

-- Only to make it anew from the facts.
-- name: forget
delete from incidents;
