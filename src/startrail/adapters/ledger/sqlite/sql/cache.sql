-- Derived values that may be lost.

-- name: get
select key, value from cache where kind = :kind and key in (select value from json_each(:keys));

-- name: put
insert into cache (kind, key, value) values (:kind, :key, :value)
on conflict (kind, key) do update set value = excluded.value;
