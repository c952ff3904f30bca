"""A table whose files were written under different schemas reads as one, by field id."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tests.fixtures.warehouse import open_duckdb, schema, table

from startrail.model.table import Relation
from startrail.ports.warehouse import Query


def test_a_field_of_an_object_that_older_files_lack_is_null_there(tmp_path: Path) -> None:
    warehouse = open_duckdb(tmp_path)
    now = schema(id="string", y="struct<z: long, o: struct<w: string>>", l="list<struct<p: long>>")
    before = msgspec.structs.replace(now, columns=now.columns[:1])
    old = table(warehouse, "raw.t", before, "select 'a' as id", "old")
    rows = "select 'b' as id, {'z': 1::bigint, 'o': {'w': 'x'}} as y, [{'p': 2::bigint}] as l"
    new = table(warehouse, "raw.t", now, rows, "new")
    whole = Relation("raw.t", now, old.files + new.files)
    query = "select id, y.z, y.o.w, l[1].p from raw.t order by id"
    assert warehouse.fetch(Query(query, (whole,))).rows == [("a", None, None, None), ("b", 1, "x", 2)]
    assert warehouse.fetch(Query("select count(*) from raw.t where y.z = 1", (whole,))).rows == [(1,)]
    only_old = Relation("raw.t", now, old.files)
    assert warehouse.fetch(Query(query, (only_old,))).rows == [("a", None, None, None)]
    warehouse.close()
