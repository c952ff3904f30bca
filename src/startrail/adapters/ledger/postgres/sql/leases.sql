-- Leases: the right to change things under a name. Released = no holder.

-- name: find
select holder, token, expires_at from leases where name = %(name)s;

-- name: set
insert into leases (name, holder, token, expires_at) values (%(name)s, %(holder)s, %(token)s, %(expires_at)s)
on conflict (name) do update set holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at;

-- name: release
update leases set holder = null where name = %(name)s and token = %(token)s;
