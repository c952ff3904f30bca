"""``new_field: accept`` and ``widened: accept`` through the real command line: the raw table grows with its upstream."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.fixtures.till import Till

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: events
version: 1.0.0
status: active
schema:
  - name: events
    properties:
      - {name: id, logicalType: string, required: true}
      - {name: day, logicalType: date, required: true}
      - {name: small, logicalType: integer, physicalType: int}
"""


def put(till: Till, name: str, *records: dict[str, Any]) -> None:
    till.put(f"in/{name}.ndjson", "".join(json.dumps(record) + "\n" for record in records))


def record(id: str, day: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": id, "day": f"2026-05-{day:02}", **more}


def columns(till: Till) -> dict[str, str]:
    """Of the raw table, without those that loading adds."""
    rows = till.rows("select column_name, column_type from (describe select * from raw.events)")
    return {row["column_name"]: row["column_type"] for row in rows if not row["column_name"].startswith("_")}


def table(till: Till, what: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in till.rows(f"select id, {what} from raw.events order by id")]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till(tmp_path / "till")
    made.put("startrail.yml", "name: till\nprofiles:\n  local:\n    limits: {parallel: 4, retries: 1}\n")
    made.put("contracts/events.odcs.yml", CONTRACT)
    policy(made, "new_field: accept")
    return made


def policy(till: Till, drift: str) -> None:
    source = f"feed: {{kind: folder, path: in}}\ncontract: events\ninto: raw.events\npartition_by: day\ndrift: {{{drift}}}\n"
    till.put("sources/events.yml", source)


def test_new_fields_become_columns_with_the_types_that_every_value_says(till: Till) -> None:
    put(till, "a", record("a1", coupon="X", price=1.5, tags=["x"], at="2026-05-01T10:00:00Z"), record("a2", price=2.25, nil=None))
    outcome = till.good_run(now=None)
    (event,) = outcome.of("table_evolved")
    assert event["columns"] == {"coupon": "string", "price": "decimal(3,2)", "tags": "list<string>", "at": "timestamptz"}
    assert table(till, "coupon, price, tags[1], _extra") == [
        ("a1", "X", "1.50", "x", None),
        ("a2", None, "2.25", None, '{"nil":null}'),
    ]
    put(till, "b", record("b1", day=2, coupon="Y", price=123.4, late=True))
    put(till, "c", record("c1", day=2, coupon=7, price=1.234))
    events = till.good_run(now=None).of("table_evolved")
    assert [event["columns"] for event in events] == [{"price": "decimal(5,2)", "late": "boolean"}]
    assert table(till, "coupon, price, late, _extra")[2:] == [
        ("b1", "Y", "123.40", True, None), ("c1", None, None, None, '{"coupon":7,"price":1.234}'),
    ]  # fmt: skip
    assert table(till, "price")[:2] == [("a1", "1.50"), ("a2", "2.25")]
    assert till.good_run(now=None).result["steps"] == 0


def test_deliveries_of_one_run_take_turns_and_none_loses_the_columns_of_another(till: Till) -> None:
    for number in range(8):
        put(till, f"d{number}", record(f"d{number}", **{f"n{number}": number, "common": number}))
    till.good_run(now=None)
    assert list(columns(till)) == ["id", "day", "small", "n0", "common", *(f"n{n}" for n in range(1, 8))]
    assert table(till, "common, _extra") == [(f"d{n}", n, None) for n in range(8)]


def test_a_declared_column_widens_where_the_source_says_so_and_stays_wide(till: Till) -> None:
    put(till, "a", record("a1", small=1))
    policy(till, "widened: accept")
    till.good_run(now=None)
    assert columns(till)["small"] == "INTEGER"
    put(till, "b", record("b1", small=3_000_000_000))
    (event,) = till.good_run(now=None).of("table_evolved")
    assert event["columns"] == {"small": "long"}
    assert table(till, "small") == [("a1", 1), ("b1", 3_000_000_000)]
    policy(till, "new_field: keep")
    put(till, "c", record("c1", small=2))
    till.good_run(now=None)
    assert table(till, "small") == [("a1", 1), ("b1", 3_000_000_000), ("c1", 2)]


def test_by_default_nothing_widens_and_nothing_is_taken_over(till: Till) -> None:
    policy(till, "preset: keep-going")
    put(till, "a", record("a1", small=1, coupon="X"), record("a2", small=3_000_000_000))
    outcome = till.good_run(now=None)
    assert outcome.of("table_evolved") == []
    assert columns(till) == {"id": "VARCHAR", "day": "DATE", "small": "INTEGER"}
    assert outcome.result["counts"] == {"rows_in": 2, "loaded": 1, "quarantined": 1, "held": 0, "discarded": 0}


def test_mirror_keeps_a_value_that_no_type_of_the_column_can_hold(till: Till) -> None:
    policy(till, "preset: mirror")
    put(till, "a", record("a1", small="many"), record("a2", small=2**70))
    till.good_run(now=None)
    assert table(till, "small, _extra") == [("a1", None, '{"small":"many"}'), ("a2", None, f'{{"small":{2**70}}}')]


def test_columns_stay_when_the_policy_changes_back_and_are_filled_again_when_it_returns(till: Till) -> None:
    put(till, "a", record("a1", coupon="X"))
    till.good_run(now=None)
    policy(till, "new_field: keep")
    put(till, "b", record("b1", coupon="Y"))
    till.good_run(now=None)
    assert table(till, "coupon, _extra") == [("a1", "X", None), ("b1", None, '{"coupon":"Y"}')]
    policy(till, "new_field: accept")
    put(till, "c", record("c1", coupon="Z"))
    assert till.good_run(now=None).of("table_evolved") == []
    assert table(till, "coupon") == [("a1", "X"), ("b1", None), ("c1", "Z")]


def test_names_that_a_column_cannot_have_stay_in_extra(till: Till) -> None:
    put(till, "a", {**record("a1", small=1), "SMALL": 2, "_extra": 3, "Coupon": 4, "coupon": 5})
    till.good_run(now=None)
    assert list(columns(till)) == ["id", "day", "small", "Coupon"]
    ((_, extra),) = table(till, "_extra")
    assert json.loads(extra) == {"SMALL": 2, "_extra": 3, "coupon": 5}


def test_csv_columns_and_their_texts(till: Till) -> None:
    till.put("in/a.csv", "id,day,small,till,when\na1,2026-05-01,1,4,01/05/2026\na2,2026-05-01,2,,02/05/2026\n")
    till.good_run(now=None)
    assert columns(till) == {"id": "VARCHAR", "day": "DATE", "small": "INTEGER", "till": "BIGINT", "when": "VARCHAR"}
    till.put("in/b.csv", "id,day,small,till,when\nb1,2026-05-01,1,9,x\n")
    till.put("in/c.csv", "id,day,small\nc1,2026-05-01,1\n")
    outcome = till.good_run(now=None)
    assert {event["finding"]["kind"] for event in outcome.of("drift_found")} == set()
    assert table(till, 'till, "when", _extra') == [
        ("a1", 4, "01/05/2026", None), ("a2", None, "02/05/2026", None), ("b1", 9, "x", None), ("c1", None, None, None),
    ]  # fmt: skip


def test_a_wider_column_of_a_parquet_file_widens_the_table(till: Till) -> None:
    put(till, "a", record("a1", small=1))
    policy(till, "widened: accept")
    till.good_run(now=None)
    with duckdb.connect() as connection:
        path = till.root / "in/b.parquet"
        connection.execute(
            f"copy (select 'b1' as id, date '2026-05-02' as day, 3000000000 as small) to '{path}' (format parquet)"
        )
    (event,) = till.good_run(now=None).of("table_evolved")
    assert event["columns"] == {"small": "long"}
    assert table(till, "small") == [("a1", 1), ("b1", 3_000_000_000)]


def test_a_gzipped_file_and_a_document_bring_columns_too(till: Till) -> None:
    till.put("in/a.ndjson.gz", gzip.compress(json.dumps(record("a1", x=1)).encode()))
    till.put("in/b.json", json.dumps([record("b1", y={"z": 1}), record("b2", y={"z": 2, "w": "new"})]))
    till.put("in/c.json", json.dumps([record("c1", y={"z": 3, "v": True})]))
    till.good_run(now=None)
    assert columns(till) == {
        "id": "VARCHAR", "day": "DATE", "small": "INTEGER", "x": "BIGINT", "y": "STRUCT(z BIGINT, w VARCHAR)",
    }  # fmt: skip
    assert table(till, "y.z, y.w, _extra") == [
        ("a1", None, None, None), ("b1", 1, None, None), ("b2", 2, "new", None), ("c1", 3, None, '{"$.y.v":true}'),
    ]  # fmt: skip
