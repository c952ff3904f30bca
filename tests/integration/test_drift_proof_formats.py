"""The second reader and the loader come to the same figures, for every format and type."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest
from tests.fixtures.till import FIRST_MORNING, SECOND_MORNING, Till

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: all
version: 1.0.0
status: active
schema:
  - name: all
    properties:
      - {name: id, logicalType: string, required: true}
      - {name: i, logicalType: integer, physicalType: int}
      - {name: l, logicalType: integer}
      - {name: f, logicalType: number, physicalType: float}
      - {name: d, logicalType: number, physicalType: double}
      - {name: n, logicalType: number, physicalType: "decimal(12,2)"}
      - {name: b, logicalType: boolean}
      - {name: day, logicalType: date}
      - {name: t, logicalType: time}
      - {name: ts, logicalType: timestamp}
      - {name: tz, logicalType: timestamp, logicalTypeOptions: {timezone: true}}
      - {name: u, logicalType: string, logicalTypeOptions: {format: uuid}}
      - {name: x, logicalType: string, physicalType: binary}
      - {name: li, logicalType: array, items: {logicalType: number, physicalType: "decimal(6,1)"}}
      - name: o
        logicalType: object
        properties:
          - {name: a, logicalType: integer}
          - {name: s, logicalType: string}
"""
FULL = {
    "id": "ä|,\"1", "i": 7, "l": 9007199254740993, "f": 0.1, "d": 0.1, "n": 12.5, "b": True,
    "day": "2026-05-01", "t": "10:00:01.5",
    "ts": "2026-05-01T10:00:00.25", "tz": "2026-05-01T10:00:00+02:00", "u": "AAAAAAAA-0000-0000-0000-00000000000A", "x": "/wA=",
    "li": [1.5, None, 2], "o": {"a": 1, "s": "é"},
}  # fmt: skip
COLUMNS = sorted(FULL)


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till(tmp_path / "till")
    made.put("startrail.yml", "name: till\nprofiles: {local: {}}\n")
    made.put("contracts/all.odcs.yml", CONTRACT)
    made.put("sources/all.yml", "feed: {kind: folder, path: in}\ncontract: all\ninto: raw.all\n")
    return made


def records() -> list[dict[str, object]]:
    return [{**FULL, "new": 1}, {"id": "only", "new": 2}, {"id": "broken", "i": "x"}]


def parquet(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select * from (values ("
            "'ä', 7::int, 9007199254740993, 0.1::float, 0.1::double, 12.5::decimal(12,2), true,"
            "date '2026-05-01', time '10:00:01.5', timestamp '2026-05-01 10:00:00.25', timestamptz '2026-05-01 10:00:00+02',"
            "uuid 'aaaaaaaa-0000-0000-0000-00000000000a', from_base64('/wA='), [1.5::decimal(6,1), null], "
            "{'a': 1::bigint, 's': 'é'}, 1), ("
            "'only', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)) "
            f"as v(id, i, l, f, d, n, b, day, t, ts, tz, u, x, li, o, new)) to '{path}' (format parquet)"
        )


def text_of(form: str) -> bytes:
    lines = [json.dumps(record, ensure_ascii=False) for record in records()]
    match form:
        case "ndjson":
            return "\ufeff".encode() + ("\n\n".join(lines)).encode()
        case "ndjson.gz":
            return gzip.compress("\r\n".join(lines).encode())
        case "json":
            return ("[\n" + ",\n".join(lines) + "]").encode()
        case _:
            rows = [
                "new,i,id,n,day,li",
                '1,7,"a ""quoted"", ä",12.50,2026-05-01,"[1.5,null]"',
                "2,,only,,,",
                "3,4",
                "4,x,broken,,,",
                "",
            ]
            return "\n".join(rows).encode()


@pytest.mark.parametrize("form", ["ndjson", "ndjson.gz", "json", "csv", "parquet"])
def test_what_landed_is_what_is_stored(till: Till, form: str) -> None:
    path = till.put(f"in/a.{form}", b"" if form == "parquet" else text_of(form))
    if form == "parquet":
        parquet(path)
    till.run(now=FIRST_MORNING)
    outcome = till.call(
        "drift", "ack", "all", "new", "--until", "2026-12-31", "--by", "ada", "--json", "--now", SECOND_MORNING
    )  # fmt: skip
    assert outcome.code == 0, outcome.text
    drifted = outcome.result["proof"]["drifted"]
    assert drifted is not None, outcome.result["proof"]
    assert drifted["columns"] == COLUMNS
    assert drifted["before"] == drifted["after"]
    assert drifted["before"]["rows"] == 2
    assert "new" in outcome.result["patch"]
