-- Contract versions under which something was loaded.

-- name: record
insert into contract_versions (name, version, fingerprint, document, path, run, at)
values (:name, :version, :fingerprint, :document, :path, :run, :at)
on conflict (name, version, fingerprint) do nothing;

-- name: refs
select name, version, fingerprint from contract_versions;

-- name: of_name
select name, version, fingerprint, document, path, run, at from contract_versions where name = :name order by seq;

-- name: document
select document from contract_versions where name = :name and version = :version and fingerprint = :fingerprint;

-- A delivery that was loaded under several versions counts for each.
-- name: loads
select c.version, c.fingerprint, count(distinct s.partition)
from contract_versions as c join steps as s on s.contract = c.name || '@' || c.version || '#' || c.fingerprint
where c.name = :name and s.kind = 'load' and s.state = 'published'
group by c.version, c.fingerprint;
