"""Fields of file names: in every format, under the contract, and from real servers to a query."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.http import Answer, HttpServer
from tests.fixtures.loading import contract, field, load_bytes

from startrail.base.errors import StartrailError
from startrail.cli.app import root as cli

PATTERN = "sales_{date:%Y%m%d}_{store}.*"
SALES = contract(field("id", "int", required=True), field("date", "date", required=True), field("store", "string"))
NAME = "sales_20260501_07.x"


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"id": pa.array([row["id"] for row in rows], pa.int32())}), out)
    return out.getvalue()


_ROWS = [{"id": number} for number in range(3)]
_LINES = "".join(json.dumps(row) + "\n" for row in _ROWS).encode()
FORMATS = {
    "csv": b"id\n0\n1\n2\n",
    "csv+gzip": gzip.compress(b"id\n0\n1\n2\n"),
    "ndjson": _LINES,
    "json": json.dumps(_ROWS).encode(),
    "parquet": _parquet(_ROWS),
}


@pytest.mark.parametrize("media", FORMATS)
@pytest.mark.parametrize("careful", [False, True])
def test_fields_of_the_name_are_columns_where_the_file_has_none(tmp_path: Path, media: str, careful: bool) -> None:
    loaded = load_bytes(tmp_path, FORMATS[media], SALES, media, name=NAME, pattern=PATTERN, careful=careful)
    assert loaded.rows("id, date, store") == [(number, date(2026, 5, 1), "07") for number in range(3)]
    assert loaded.output.drift == ()


@pytest.mark.parametrize("careful", [False, True])
def test_a_file_without_header_has_no_columns_of_the_name(tmp_path: Path, careful: bool) -> None:
    from startrail.model.source import Dialect

    loaded = load_bytes(
        tmp_path, b"5\nx\n6\n", SALES, "csv", name=NAME, pattern=PATTERN, careful=careful, csv=Dialect(header=False)
    )  # fmt: skip
    assert loaded.counts == (3, 2, 1, 0)
    assert loaded.rows("id, date, store") == [(5, date(2026, 5, 1), "07"), (6, date(2026, 5, 1), "07")]


def test_what_the_file_says_itself_counts(tmp_path: Path) -> None:
    data = b'{"id":1,"store":"99"}\n{"id":2}\n{"id":3,"store":null}\n'
    loaded = load_bytes(tmp_path, data, SALES, name=NAME, pattern=PATTERN)
    assert loaded.rows("store") == [("99",), ("07",), (None,)]


@pytest.mark.parametrize(
    ("promised", "name", "why"),
    [
        (SALES, "sales_20261301_07.csv", "ST216 the name 'sales_20261301_07.csv' says '20261301' for {date}, which is no %Y%m%d"),
        (SALES, "sales_07.csv", "ST216"),
        (SALES, "other.csv", "ST216"),
        (contract(field("id", "int"), field("store", "int")), NAME, "ST217 .* says '07' for store, which is to be int"),
        (contract(field("id", "int"), field("store", "string", enum=("01", "02"))), NAME, "ST217 .* one of 01, 02"),
        (contract(field("id", "int"), field("store", "list<string>")), NAME, "ST217 .* which no name can give"),
    ],
)
def test_a_name_that_says_no_value_holds_its_delivery(tmp_path: Path, promised: Any, name: str, why: str) -> None:
    loaded = load_bytes(tmp_path, b"id\n1\n", promised, "csv", name=name, pattern=PATTERN)
    assert loaded.files == []
    import re

    assert re.match(why, loaded.held or ""), loaded.held


CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: sales
version: 1.0.0
status: active
schema:
  - name: sales
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: date, logicalType: date, required: true}
      - {name: store, logicalType: string, required: true}
"""


class Folder:
    def __init__(self, root: Path, feed: dict[str, Any]) -> None:
        self.root = root
        for folder in ("sources", "contracts"):
            (root / folder).mkdir(parents=True)
        (root / "startrail.yml").write_text("name: far\n")
        (root / "contracts" / "sales.odcs.yml").write_text(CONTRACT)
        self.declare(feed)

    def declare(self, feed: dict[str, Any], partition_by: str | None = "date") -> None:
        declared = {"feed": feed, "contract": "sales", "into": "raw.sales"} | (
            {"partition_by": partition_by} if partition_by else {}
        )
        (self.root / "sources" / "far.yml").write_text(json.dumps(declared))

    def call(self, *words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "-C", str(self.root)])
        assert done.exception is None or isinstance(done.exception, StartrailError), done.exception
        return done.output + str(done.exception or "")


FILES = {"sales_20260501_07.csv": b"id\n1\n", "sales_20260502_07.csv": b"id\n1\n", "sales_20260532_07.csv": b"id\n9\n"}


@pytest.fixture(params=["folder", "ftp", "links"])
def far(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A feed that holds FILES."""
    monkeypatch.setenv("FAR", PASSWORD)
    pattern = "sales_{date:%Y%m%d}_{store}.csv"
    if request.param == "links":
        server: HttpServer = request.getfixturevalue("http_server")
        server.routes["/x/"] = lambda _: Answer("".join(f'<a href="{name}">x</a>' for name in FILES).encode())
        for name, content in FILES.items():
            server.routes[f"/x/{name}"] = lambda _, content=content: Answer(content)
        return {"kind": "http", "url": f"{server.address}/x/", "links": pattern, "format": "csv"}
    if request.param == "ftp":
        ftp: FtpServer = request.getfixturevalue("ftp_server")
        root = ftp.root
        feed = {"kind": "ftp", "host": "127.0.0.1", "port": ftp.port, "user": USER, "password": "env:FAR", "pattern": pattern}
    else:
        root = tmp_path / "in"
        root.mkdir()
        feed = {"kind": "folder", "path": str(root), "pattern": pattern}
    for name, content in FILES.items():
        (root / name).write_bytes(content)
    return feed


def test_from_a_server_to_a_query(far: dict[str, Any], tmp_path: Path) -> None:
    folder = Folder(tmp_path / "project", far)
    tested = folder.call("sources", "test", "far")
    assert "sales_20260501_07.csv, 5 B; date 2026-05-01, store 07" in tested
    if far["kind"] != "http":  # which is asked for one file only
        assert "its name says '20260532' for {date}, which is no %Y%m%d" in tested
    ran = folder.call("run")
    assert "ST216" in ran, ran
    assert "2 rows in = 2 loaded" not in ran.splitlines()[-1]
    rows = ran + folder.call("query", "select id, date, store from raw.sales order by date")
    shown = [line.split() for line in rows.splitlines()]
    assert [line for line in shown if line[:1] == ["1"]] == [["1", "2026-05-01", "07"], ["1", "2026-05-02", "07"]], rows
    status = folder.call("sources", "status", "--json")
    assert "which is no %Y%m%d" in status
    landed = [line for line in folder.call("sources", "status").splitlines() if "far" in line]
    assert "3 deliveries" in landed[0]


def test_a_corrected_pattern_lets_the_held_delivery_in(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sales_01052026_07.csv").write_bytes(b"id\n1\n")
    feed = {"kind": "folder", "path": str(tmp_path / "in"), "pattern": "sales_{date:%Y%m%d}_{store}.csv"}
    folder = Folder(tmp_path / "project", feed)
    assert "ST216" in folder.call("run")
    assert "ST216" in folder.call("run"), "it is told again"
    folder.declare(feed | {"pattern": "sales_{date:%d%m%Y}_{store}.csv"})
    assert "1 row in = 1 loaded" in folder.call("run")
    assert "2026-05-01" in folder.call("query", "select date from raw.sales")


def test_the_same_bytes_under_names_that_say_the_same_are_one_delivery(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("sales_20260501_07.v1.csv", "sales_20260501_07.v2.csv", "sales_20260501_08.v1.csv"):
        (tmp_path / "in" / name).write_bytes(b"id\n1\n")
    feed = {"kind": "folder", "path": str(tmp_path / "in"), "pattern": "sales_{date:%Y%m%d}_{store}.v?.csv"}
    folder = Folder(tmp_path / "project", feed)
    assert "2 rows in = 2 loaded" in folder.call("run")


def test_a_pattern_that_is_none_is_told_where_it_stands(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "project", {"kind": "folder", "path": "in", "pattern": "sales_{date:%Q}.csv"})
    told = folder.call("plan")
    assert "'%Q' of {date} cannot be read from a name" in told
    assert "sources/far.yml:1:" in told


def test_a_plan_knows_what_names_say(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sales_20260501_07.csv").write_bytes(b"id\n1\n2\n")
    (tmp_path / "in" / "sales_20260502_8.csv").write_bytes(b"id\n3\n")
    feed = {"kind": "folder", "path": str(tmp_path / "in"), "pattern": "sales_{date:%Y%m%d}_{store}.csv"}
    folder = Folder(tmp_path / "project", feed)
    folder.call("run")
    contract = folder.root / "contracts" / "sales.odcs.yml"
    contract.write_text(
        CONTRACT.replace("{name: id, logicalType: integer", "{name: id, logicalType: number").replace("1.0.0", "1.1.0")
    )
    assert "held" not in folder.call("plan")
    contract.write_text(
        CONTRACT.replace("{name: store, logicalType: string", "{name: store, logicalType: integer").replace("1.0.0", "2.0.0")
    )
    told = folder.call("plan")
    assert "1 delivery with 2 rows would be held" in told
    assert "ST217 the name 'sales_20260501_07.csv' says '07' for store" in told


def test_a_column_that_names_say_is_filled_for_what_was_loaded_before(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("sales_20260501_07.csv", "sales_20260502_08.csv")):
        (tmp_path / "in" / name).write_bytes(f"id\n{number}\n".encode())
    feed = {"kind": "folder", "path": str(tmp_path / "in"), "pattern": "sales_*.csv"}
    folder = Folder(tmp_path / "project", feed)
    promised = folder.root / "contracts" / "sales.odcs.yml"
    lines = CONTRACT.splitlines(keepends=True)
    promised.write_text("".join(line for line in lines if "name: date" not in line and "name: store" not in line))
    folder.declare(feed, partition_by=None)
    assert "1 row in = 1 loaded" in folder.call("run")

    promised.write_text(CONTRACT.replace("version: 1.0.0", "version: 2.0.0"))
    assert "said by their names" not in folder.call("plan"), "no name says anything yet"
    folder.declare(feed | {"pattern": "sales_{date:%Y%m%d}_{store}.csv"}, partition_by=None)
    told = folder.call("plan")
    assert "the contract declares date, store now, said by their names since" in " ".join(told.split()), told
    assert "adopted" in folder.call("run")
    shown = [line.split() for line in folder.call("query", "select id, date, store from raw.sales order by id").splitlines()]
    assert shown[-2:] == [["0", "2026-05-01", "07"], ["1", "2026-05-02", "08"]], shown
    assert "adopted" not in folder.call("run")
