"""Statements with their direct column lineage, worked out by hand."""

from __future__ import annotations

from typing import NamedTuple

SCHEMA = {
    "orders": {"id": "int", "customer": "int", "amount": "int", "status": "text", "day": "date"},
    "lines": {"order_id": "int", "sku": "text", "units": "int", "price": "int"},
    "customers": {"id": "int", "name": "text", "country": "text"},
    "rates": {"day": "date", "rate": "int"},
}


class Case(NamedTuple):
    """``direct``: pairs of target and source, each ``table.column``, or ``column`` for a query's own result."""

    dialect: str
    sql: str
    direct: list[tuple[str, str]]


def corpus() -> list[Case]:
    """All of them; dialects as sqlglot names them."""
    return [Case(dialect, sql, _pairs(direct)) for dialect, sql, direct in _CASES]


def _pairs(text: str) -> list[tuple[str, str]]:
    """``a:t.x t.y; b:t.z`` -> (a, t.x), (a, t.y), (b, t.z)."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        target, _, sources = part.partition(":")
        found += [(target, source) for source in sources.split()]
    return found


_CASES = (
    ("duckdb", "select id, amount as a from orders", "id:orders.id; a:orders.amount"),
    ("duckdb", "select o.id, c.name from orders o join customers c on o.customer = c.id", "id:orders.id; name:customers.name"),
    ("duckdb", "select id, name from orders join customers using (id)", "id:orders.id; name:customers.name"),
    ("duckdb", "select customer, sum(amount) as s from orders where status = 'x' group by 1",
     "customer:orders.customer; s:orders.amount"),
    ("duckdb", "select * from customers", "id:customers.id; name:customers.name; country:customers.country"),
    ("duckdb", "select * exclude (name) from customers", "id:customers.id; country:customers.country"),
    ("duckdb", "select * replace (upper(name) as name) from customers",
     "id:customers.id; name:customers.name; country:customers.country"),
    ("duckdb",
     "with a as (select id, amount * 2 as d from orders), b as (select id, d + 1 as e from a) select sum(e) as s from b",
     "s:orders.amount"),
    ("duckdb", "select case when status = 'x' then amount else 0 end as v from orders", "v:orders.amount"),
    ("duckdb", "select sum(amount) over (partition by customer order by day) as r from orders", "r:orders.amount"),
    ("duckdb", "select id from orders union all select order_id from lines", "id:orders.id lines.order_id"),
    ("duckdb", "select id from orders except select order_id from lines", "id:orders.id"),
    ("duckdb", "select (select max(price) from lines l where l.order_id = o.id) as top from orders o", "top:lines.price"),
    ("duckdb", "select name from customers c where exists (select 1 from orders o where o.customer = c.id)",
     "name:customers.name"),
    ("duckdb", "with recursive c(n, up) as (select id, customer from orders union all select o.id, c.n from orders o join c "
     "on o.customer = c.n) select n, up from c", "n:orders.id; up:orders.customer orders.id"),
    ("duckdb", "select * from (select customer, status, amount from orders) pivot (sum(amount) for status in ('a', 'b'))",
     "customer:orders.customer; a:orders.amount; b:orders.amount"),
    ("duckdb", "select v from (select id, name, country from customers) unpivot (v for k in (name, country))",
     "v:customers.name customers.country"),
    ("duckdb", "select units * price as total, total * 2 as twice from lines",
     "total:lines.units lines.price; twice:lines.units lines.price"),
    ("duckdb", "create table t as select id, amount + 1 as a from orders", "t.id:orders.id; t.a:orders.amount"),
    ("duckdb", "create table t (k, v) as select id, name from customers", "t.k:customers.id; t.v:customers.name"),
    ("duckdb", "insert into customers (name, id) select sku, order_id from lines",
     "customers.name:lines.sku; customers.id:lines.order_id"),
    ("duckdb", "insert into customers by name select sku as name from lines", "customers.name:lines.sku"),
    ("duckdb", "create temp table x as select id, amount from orders; create table y as select sum(amount) as s from x",
     "y.s:orders.amount"),
    ("postgres", "create table n as select id from orders; alter table n rename to m", "m.id:orders.id"),
    ("postgres", "update customers set name = l.sku from lines l where l.order_id = customers.id", "customers.name:lines.sku"),
    ("postgres", "with gone as (delete from orders where amount < 0 returning id) insert into customers (id) select id from gone",
     "customers.id:orders.id"),
    ("postgres", "select string_agg(name, ',' order by id) as s from customers", "s:customers.name"),
    ("snowflake", "merge into customers c using lines l on c.id = l.order_id when matched then update set name = l.sku "
     "when not matched then insert (id, name) values (l.order_id, l.sku)",
     "customers.name:lines.sku; customers.id:lines.order_id"),
    ("snowflake", "select f.value as v from events e, lateral flatten(input => e.items) f", "v:events.items"),
    ("snowflake", "insert all into a (x) values (id) into b (y) values (amount) select id, amount from orders",
     "a.x:orders.id; b.y:orders.amount"),
    ("bigquery", "select e.id, i.sku from events e, unnest(e.items) i", "id:events.id; sku:events.items"),
    ("bigquery", "select * except (name) from customers", "id:customers.id; country:customers.country"),
    ("spark", "select k, c from events lateral view explode(items) x as c", "k:events.k; c:events.items"),
    ("tsql", "select id, amount into #t from orders; select sum(amount) as s from #t", "s:orders.amount"),
    ("mysql", "update orders o join lines l on o.id = l.order_id set o.amount = l.price", "orders.amount:lines.price"),
    ("duckdb", "select l.sku, sum(l.units * l.price * r.rate) as revenue from lines l join orders o on o.id = l.order_id "
     "join rates r on r.day = o.day where o.status = 'paid' group by l.sku having sum(l.units) > 3 order by revenue desc limit 5",
     "sku:lines.sku; revenue:lines.units lines.price rates.rate"),
)  # fmt: skip
