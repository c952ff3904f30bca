"""The embedded engine at its limits: memory, disk, processes that died."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.warehouse import open_duckdb, schema

from startrail.adapters.warehouse.duckdb import DuckdbWarehouse
from startrail.adapters.warehouse.duckdb.scratch import Scratch
from startrail.model.types import parse_type
from startrail.ports.warehouse import NoSpace, OutOfMemory, Query

ALL_AT_ONCE = "select length(string_agg(repeat('x', 1000), '')) as n from range(200000)"
"""One value of 200 MB: it cannot be spilled."""


def test_more_memory_than_the_profile_allows_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    warehouse = open_duckdb(tmp_path, memory=40_000_000)
    with pytest.raises(OutOfMemory, match=r"40\.0 MB") as caught:
        warehouse.fetch(Query(ALL_AT_ONCE))
    assert "memory" in str(caught.value.hint)
    assert warehouse.fetch(Query("select 1")).rows == [(1,)]
    warehouse.close()


def test_what_can_be_spilled_is_and_leaves_nothing_behind(tmp_path: Path) -> None:
    warehouse = open_duckdb(tmp_path, memory=40_000_000)
    sql = "select count(*) from (select distinct range % 1000000 as a, md5((range % 1000000)::varchar) as b from range(1100000))"
    assert warehouse.fetch(Query(sql)).rows == [(1000000,)]
    warehouse.close()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_full_disk_is_told_as_such_and_nothing_is_staged(tmp_path: Path) -> None:
    warehouse = open_duckdb(tmp_path)
    with _small_files(1_000_000), pytest.raises(NoSpace):
        warehouse.build(Query("select md5(range::varchar) as a from range(500000)"), schema(a="string"), "t", "x", "all")
    assert not (tmp_path / "store" / "t").exists()
    assert warehouse.fetch(Query("select 1")).rows == [(1,)]
    warehouse.close()


def test_the_scratch_of_a_dead_process_is_removed_and_that_of_a_living_one_is_kept(tmp_path: Path) -> None:
    dies = "import os, sys, pathlib; from startrail.adapters.warehouse.duckdb.scratch import Scratch; "
    dies += "s = Scratch(pathlib.Path(sys.argv[1])); (s.folder() / 'x').write_text('left'); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", dies, str(tmp_path)], check=False).returncode == 9
    (left,) = tmp_path.iterdir()
    living = Scratch(tmp_path)
    assert not left.exists()
    other = Scratch(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {living.path.name, other.path.name}
    living.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_files_of_another_file_system_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_duckdb(tmp_path)
    columns = schema(a="int")
    files = warehouse.build(Query("select 1 as a"), columns, "t", "x", "all")

    def refuse(*_args: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    from startrail.model.table import Relation

    assert warehouse.fetch(Query("select * from raw.t", (Relation("raw.t", columns, files),))).rows == [(1,)]
    warehouse.close()


def test_threads_and_memory_are_those_of_the_profile(tmp_path: Path) -> None:
    warehouse = open_duckdb(tmp_path, memory=123 * 1024 * 1024)
    sql = "select current_setting('threads') as t, current_setting('memory_limit') as m, current_setting('TimeZone') as z"
    assert warehouse.fetch(Query(sql)).rows == [(2, "123.0 MiB", "UTC")]
    warehouse.close()


def test_the_zone_of_the_machine_does_not_count(tmp_path: Path) -> None:
    code = "import sys, pathlib; from tests.fixtures.warehouse import open_duckdb; from startrail.ports.warehouse import Query; "
    code += "w = open_duckdb(pathlib.Path(sys.argv[1])); "
    code += "print(w.fetch(Query(\"select timestamptz '2026-10-03 01:30+02'::date::varchar\")).rows[0][0]); w.close()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=os.environ | {"TZ": "Asia/Tokyo"}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2026-10-02"


def test_the_version_in_fingerprints_is_that_of_the_engine(tmp_path: Path) -> None:
    import duckdb

    assert DuckdbWarehouse.version == f"duckdb-{duckdb.__version__.split('.')[0]}"


def test_every_word_for_a_type_is_the_engines(tmp_path: Path) -> None:
    from startrail.adapters.warehouse.duckdb.types import word
    from startrail.model.types import PRIMITIVES

    warehouse = open_duckdb(tmp_path)
    for text in (*PRIMITIVES, "decimal(18,2)", "list<struct<a: int, b: map<string, date>>>"):
        kind = parse_type(text)
        (column,) = warehouse.describe(Query(f"select cast(null as {word(kind)}) as x")).columns
        assert column.type == kind
    warehouse.close()


@contextmanager
def _small_files(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond the limit: what a full disk looks like to a program."""
    assert threading.current_thread() is threading.main_thread()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
