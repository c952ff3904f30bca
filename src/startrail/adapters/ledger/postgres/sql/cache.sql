-- Derived values that may be lost.

-- name: get
select key, value from cache where kind = %(kind)s and key = any(array(select jsonb_array_elements_text(%(keys)s::jsonb)));

-- name: put
insert into cache (kind, key, value) values (%(kind)s, %(key)s, %(value)s)
on conflict (kind, key) do update set value = excluded.value;
