"""Delivering: whole files or none, on time or not, and what is said when it does not work."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from startrail.adapters.report import open_destination, open_writer
from startrail.adapters.report.errors import DestinationClosed, DestinationFull, NoSuchDestination
from startrail.adapters.report.folder import Folder
from startrail.adapters.warehouse.duckdb import DuckdbWarehouse
from startrail.base.span import Span
from startrail.capabilities.reports.deliver import Making, bring
from startrail.capabilities.reports.deliver import delivered as event_of
from startrail.capabilities.reports.errors import UnknownReportColumn
from startrail.capabilities.reports.query import ordered, report_sql
from startrail.flow.events import Delivered
from startrail.model.destination import FolderDestination
from startrail.model.model import ModelColumn
from startrail.model.report import Chart, Report
from startrail.model.schedule import Deadline
from startrail.model.step import StepOutput
from startrail.ports.report import Parcel
from startrail.ports.warehouse import Query
from startrail.testing.clock import ManualClock
from startrail.testing.store import MemoryStore

SQL = """
select day, shop, 10.00 * n as revenue
from (values (date '2026-10-02', 'b', 2), (date '2026-10-01', 'a', 1)) as t(day, shop, n);
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbWarehouse]:
    opened = DuckdbWarehouse(MemoryStore(), tmp_path_factory.mktemp("scratch"), memory=500_000_000, threads=2)
    yield opened
    opened.close()


def report(format: Any = "csv", **more: Any) -> Report:
    base: dict[str, Any] = {"query": SQL, "deadline": Deadline("09:00", "Europe/Madrid")}
    return Report("daily", format, Span("reports/daily.yml", 1, 1), FolderDestination("delivered"), **(base | more))


def delivered(said: Report, warehouse: DuckdbWarehouse, root: Path, **more: Any) -> tuple[StepOutput, Delivered]:
    clock = more.pop("clock", None) or ManualClock(datetime(2026, 10, 4, 3, 59, tzinfo=UTC))
    making = Making(
        said,
        Query(report_sql(said)),
        warehouse=lambda: warehouse,
        writer=lambda: open_writer(said.format),
        clock=clock,
        run="run-1",
        **more,
    )
    [place] = said.places()
    parcel = Parcel("k", making.day, making.made_at)
    output = bring(making, open_destination(place, said, parcel, root, lambda reference: reference))
    return output, event_of(making, output.report or "", output.rows, clock)


def test_a_report_is_delivered_with_its_rows_path_and_minutes(tmp_path: Path, warehouse: DuckdbWarehouse) -> None:
    output, event = delivered(report(), warehouse, tmp_path)
    path = tmp_path / "delivered" / "daily_2026-10-04.csv"
    assert path.read_text() == "day,shop,revenue\n2026-10-01,a,10.00\n2026-10-02,b,20.00\n"
    assert (event.report, event.path, event.rows) == ("daily", str(path), 2)
    assert (event.minutes_early, event.deadline) == (181, "2026-10-04T07:00:00.000000Z")
    assert (output.report, output.rows) == (str(path), 2)
    assert output.note == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": str(path.stat().st_size)}


def test_a_late_report_says_how_late(tmp_path: Path, warehouse: DuckdbWarehouse) -> None:
    clock = ManualClock(datetime(2026, 10, 4, 7, 11, 30, tzinfo=UTC))
    assert delivered(report(), warehouse, tmp_path, clock=clock)[1].minutes_early == -12


def test_without_a_deadline_nothing_is_said_about_one(tmp_path: Path, warehouse: DuckdbWarehouse) -> None:
    event = delivered(report(deadline=None), warehouse, tmp_path)[1]
    assert (event.minutes_early, event.deadline) == (None, None)


@pytest.mark.parametrize("format", ["csv", "parquet", "xlsx", "html"])
def test_delivering_again_gives_the_same_file(format: str, tmp_path: Path, warehouse: DuckdbWarehouse) -> None:
    first, _ = delivered(report(format), warehouse, tmp_path, snapshots={"marts.daily": "7"})
    again, _ = delivered(report(format), warehouse, tmp_path, snapshots={"marts.daily": "7"})
    assert first == again
    assert [path.name for path in (tmp_path / "delivered").iterdir()] == [f"daily_2026-10-04.{format}"]


def test_the_rows_are_in_one_order_whatever_the_engine_does(tmp_path: Path, warehouse: DuckdbWarehouse) -> None:
    sql = "select (i * 7919) % 300007 as a, i % 5 as b from range(300000) t(i)"
    said = report(query=sql, order_by=("b desc",), format="parquet")
    delivered(said, warehouse, tmp_path)
    import pyarrow.parquet as pq

    table = pq.read_table(tmp_path / "delivered/daily_2026-10-04.parquet")
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert rows == sorted(rows, key=lambda row: (-row[1], row[0]))


def test_a_query_that_ends_in_a_comment_is_still_ordered(warehouse: DuckdbWarehouse) -> None:
    said = report(query="select 2 as a -- the answer's half", order_by=("a",))
    query = Query(report_sql(said))
    assert warehouse.fetch(ordered(query, said, warehouse.describe(query))).rows == [(2,)]


def test_a_model_is_asked_for_by_its_quoted_name() -> None:
    assert report_sql(report(query=None, model="marts.sales_daily")) == 'select * from "marts"."sales_daily"'


def test_the_models_promises_are_shown_on_the_page(tmp_path: Path, warehouse: DuckdbWarehouse) -> None:
    said = report("html", title="Daily", chart=Chart("day", "revenue", "shop"))
    delivered(said, warehouse, tmp_path, columns={"revenue": ModelColumn(unit="EUR", description="Net of refunds")})
    html = (tmp_path / "delivered/daily_2026-10-04.html").read_text()
    assert "<small>EUR</small>" in html
    assert "Net of refunds" in html
    assert 'role="img"' in html


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"order_by": ("shp",)}, "orders by column 'shp'"),
        ({"chart": Chart("day", "revenu")}, "draws column 'revenu'"),
        ({"chart": Chart("day", "shop")}, "is string and not a number"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_what_was_meant(
    more: dict[str, Any], words: str, tmp_path: Path, warehouse: DuckdbWarehouse
) -> None:
    with pytest.raises(UnknownReportColumn, match=words) as caught:
        delivered(report("html", **more), warehouse, tmp_path)
    assert caught.value.at == Span("reports/daily.yml", 1, 1)
    assert not (tmp_path / "delivered").exists()


# -- the folder -----------------------------------------------------------------------------------------


def test_a_reader_sees_the_old_or_the_new_file_whole(tmp_path: Path) -> None:
    folder, target = Folder(tmp_path), tmp_path / "report.bin"
    folder.deliver("report.bin", lambda path: path.write_bytes(b"a" * 50_000))
    seen: set[tuple[int, bytes]] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            data = target.read_bytes()
            seen.add((len(data), data[:1] + data[-1:]))

    reader = threading.Thread(target=look)
    reader.start()
    for letter in b"bcdefghijk" * 5:
        content = bytes([letter])
        folder.deliver("report.bin", lambda path, content=content: path.write_bytes(content * 50_000))
    stop.set()
    reader.join()
    assert all(size == 50_000 and ends[0] == ends[1] for size, ends in seen)
    assert [path.name for path in tmp_path.iterdir()] == ["report.bin"]


KILLED = """
import os, signal, sys
from pathlib import Path
from startrail.adapters.report.folder import Folder
def write(path):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
Folder(Path(sys.argv[1])).deliver("report.csv", write)
"""


def test_a_delivery_killed_half_way_leaves_the_old_report_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.deliver("report.csv", lambda path: path.write_bytes(b"old"))
    (tmp_path / ".report.csv.mine").write_bytes(b"not ours")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "report.csv").read_bytes() == b"old"
    left = [path.name for path in tmp_path.iterdir() if path.name.endswith("-half")]
    assert len(left) == 1
    assert left[0].startswith(".")
    folder.deliver("report.csv", lambda path: path.write_bytes(b"new"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "report.csv": b"new",
        ".report.csv.mine": b"not ours",
    }


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DestinationFull) as caught:
        Folder(tmp_path).deliver("report.csv", write)
    assert caught.value.code == "ST704"
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, sys
from pathlib import Path
from startrail.adapters.report.folder import Folder
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    Folder(Path(sys.argv[1])).deliver("report.csv", lambda path: path.write_bytes(b"x" * 100_000))
except Exception as error:
    print(error.code)
"""


def test_a_file_system_that_takes_no_more_is_said_to_be_full(tmp_path: Path) -> None:
    said = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=True, capture_output=True, text=True)
    assert said.stdout == "ST704\n"
    assert list(tmp_path.iterdir()) == []


def test_the_last_folder_is_made_but_never_those_above_it(tmp_path: Path) -> None:
    Folder(tmp_path / "new").deliver("r.csv", lambda path: path.write_bytes(b"x"))
    with pytest.raises(NoSuchDestination, match="no folder") as caught:
        Folder(tmp_path / "not" / "there").deliver("r.csv", lambda path: path.write_bytes(b"x"))
    assert "mkdir -p" in str(caught.value)
    assert not (tmp_path / "not").exists()


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "delivered").write_text("a file")
    with pytest.raises(NoSuchDestination, match="not a folder"):
        Folder(tmp_path / "delivered").deliver("r.csv", lambda path: path.write_bytes(b"x"))


def test_a_folder_where_the_report_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.csv").mkdir()
    with pytest.raises(DestinationClosed, match="is a folder"):
        Folder(tmp_path).deliver("r.csv", lambda path: path.write_bytes(b"x"))


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that this process may not write into, whoever it runs as."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "closed"
        folder.mkdir(mode=0o555)
        mine = os.geteuid()
        if mine == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(mine)
            folder.chmod(0o755)


def test_a_folder_that_may_not_be_written_is_said_to_be_closed(closed_folder: Path) -> None:
    with pytest.raises(DestinationClosed, match="may not be written") as caught:
        Folder(closed_folder).deliver("r.csv", lambda path: path.write_bytes(b"x"))
    assert caught.value.code == "ST703"


def test_a_symbolic_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "r.csv").symlink_to(tmp_path / "precious")
    Folder(tmp_path).deliver("r.csv", lambda path: path.write_bytes(b"new"))
    assert (tmp_path / "precious").read_text() == "keep"
    assert (tmp_path / "r.csv").read_text() == "new"
    assert not (tmp_path / "r.csv").is_symlink()


def test_the_crash_points_are_passed_in_order(
    tmp_path: Path, warehouse: DuckdbWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from startrail.base import crash

    passed: list[tuple[str, bool]] = []
    target = tmp_path / "delivered/daily_2026-10-04.csv"
    monkeypatch.setattr(crash, "hook", lambda name: passed.append((name, target.exists())))
    delivered(report(), warehouse, tmp_path)
    assert [item for item in passed if "deliver" in item[0]] == [("before delivery", False), ("after delivery written", True)]
