"""T-SQL whose statements nothing separates but new lines."""

from __future__ import annotations

import pytest

from startrail.lineage.trace.script import trace

SCHEMAS = {"dbo.orders": {"id": "int", "amount": "decimal"}, "dbo.old": {"id": "int"}}
BATCH = """\
declare @least int = 5
create table #t (id int)
insert into #t
select id from dbo.orders where amount > @least
with c as (
  select id from #t
)
select o.id, sum(o.amount) as total
into dbo.totals
from dbo.orders o join c on c.id = o.id
group by o.id
update dbo.old
set id = 1
where id = 2
merge dbo.old as o using #t as t on o.id = t.id
when matched then
update
set id = t.id;
"""


def test_statements_are_told_apart_without_semicolons() -> None:
    found = trace(BATCH, "tsql", SCHEMAS)
    assert found.not_analysed == ()
    assert [table.table for table in found.tables if table.table] == ["dbo.totals", "dbo.old", "dbo.old"]
    totals = next(table for table in found.tables if table.table == "dbo.totals")
    assert [column.name for column in totals.columns] == ["id", "total"]
    assert {influence.table for influence in totals.columns[1].influences} == {"dbo.orders"}


@pytest.mark.parametrize("sql", ["select a from t\nselect b frm u where", "create table #t (id int)\nmerge nonsense"])
def test_what_is_no_statement_stays_one_piece_that_is_not_analysed(sql: str) -> None:
    assert len(trace(sql, "tsql", {}).not_analysed) == 1


def test_other_dialects_need_their_semicolons() -> None:
    assert len(trace("select a from t\nselect b from u", "postgres", {}).not_analysed) == 1
