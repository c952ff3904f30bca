"""Hostile SQL reaches nothing but the tables it was given: one test per way out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.warehouse import open_duckdb, schema, table

from startrail.base.errors import ModelError, StartrailError
from startrail.model.table import Relation, View
from startrail.ports.warehouse import NotAllowed, Query, Script, Target, Warehouse

READS = [
    "select * from read_text('{secret}')",
    "select * from read_blob('{secret}')",
    "select * from read_csv('{secret}')",
    "select * from read_json('{secret}')",
    "select * from read_parquet('{secret}')",
    "select * from parquet_metadata('{secret}')",
    "select * from sniff_csv('{secret}')",
    "select * from '{secret}'",
    "select * from glob('{folder}/*')",
    "select * from read_text('{store}/*')",
    "select * from read_text('{scratch}/../secret.csv')",
    "select * from read_text('file://{secret}')",
    "select * from read_text('/dev/stdin')",
    "select * from read_csv('https://example.com/x.csv')",
    "select * from read_csv('s3://bucket/x.csv')",
    "select * from query('select * from read_text(''{secret}'')')",
    "select getenv('HOME')",
    "select (select content from read_text('{secret}'))",
    "with x as (select * from read_text('{secret}')) select * from x",
]
"""One SELECT each."""

STATEMENTS = [
    "copy (select 1) to '{folder}/evil.csv'",
    "copy raw.orders to '{scratch}/evil.csv'",
    "copy (select 1) to '/dev/stdout'",
    "export database '{folder}/evil'",
    "import database '{folder}/evil'",
    "attach '{folder}/evil.db' as evil",
    "attach ':memory:' as evil",
    "detach memory",
    "use memory",
    "install httpfs",
    "load httpfs",
    "load '{folder}/evil.duckdb_extension'",
    "set memory_limit = '100GB'",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "set allowed_directories = ['/']",
    "set threads = 64",
    "set search_path = 'memory'",
    "reset memory_limit",
    "pragma memory_limit = '100GB'",
    "pragma enable_profiling",
    "set profiling_output = '{folder}/evil.json'",
    "create secret s (type s3, key_id 'a', secret 'b')",
    "call pragma_version()",
    "checkpoint",
    "prepare p as select 1",
    "explain analyze select 1",
    "vacuum",
]
"""Refused before they run, alone and in a script."""


@pytest.fixture
def untrusted() -> bool:
    return False


@pytest.fixture
def warehouse(tmp_path: Path, untrusted: bool) -> Iterator[Warehouse]:
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    opened = open_duckdb(tmp_path, untrusted=untrusted)
    yield opened
    opened.close()


@pytest.fixture
def orders(warehouse: Warehouse) -> Relation:
    return table(warehouse, "raw.orders", schema(id="int"), "select 1 as id")


@pytest.mark.parametrize("untrusted", [False, True])
@pytest.mark.parametrize("attack", READS)
def test_a_select_reads_no_file_and_no_network(warehouse: Warehouse, orders: Relation, tmp_path: Path, attack: str) -> None:
    with pytest.raises(ModelError) as caught:
        warehouse.fetch(Query(_aimed(attack, tmp_path), (orders,)))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("attack", READS[:3])
def test_a_view_reads_no_file_either(warehouse: Warehouse, orders: Relation, tmp_path: Path, attack: str) -> None:
    with pytest.raises(ModelError):
        warehouse.fetch(Query("select * from marts.v", (orders, View("marts.v", _aimed(attack, tmp_path)))))


@pytest.mark.parametrize("attack", STATEMENTS)
def test_only_a_select_runs(warehouse: Warehouse, orders: Relation, tmp_path: Path, attack: str) -> None:
    before = _outside(tmp_path)
    for sql in (_aimed(attack, tmp_path), "select 1; " + _aimed(attack, tmp_path)):
        with pytest.raises(NotAllowed):
            warehouse.fetch(Query(sql, (orders,)))
    with pytest.raises(NotAllowed):
        warehouse.build(Query(_aimed(attack, tmp_path), (orders,)), schema(id="int"), "t", "x", "all")
    assert _outside(tmp_path) == before
    assert warehouse.fetch(Query("select count(*) from raw.orders", (orders,))).rows == [(1,)]


@pytest.mark.parametrize("attack", STATEMENTS + READS[:2])
def test_a_script_changes_only_scratch_tables(warehouse: Warehouse, orders: Relation, tmp_path: Path, attack: str) -> None:
    before = _outside(tmp_path)
    sql = "create table marts.t as select 1 as a;\n" + _aimed(attack, tmp_path)
    with pytest.raises(StartrailError):
        warehouse.run_script(Script(sql, (orders,), ("marts.t",)), lambda name, found: Target(found, "t", "x", "all"))
    assert _outside(tmp_path) == before
    assert warehouse.fetch(Query("select count(*) from raw.orders", (orders,))).rows == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1) to '/tmp/x' --",
        "select 1 as id) union all (select 2",
        "select 1 as id /*",
        "select 1 as id)) to 'x' (format csv",
    ],
)
def test_text_cannot_break_out_of_the_statement_around_it(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(ModelError):
        warehouse.build(Query(sql), schema(id="int"), "t", "x", "all")


def test_a_query_cannot_change_the_tables_it_was_given(warehouse: Warehouse, orders: Relation) -> None:
    with pytest.raises(ModelError):
        warehouse.fetch(Query("with x as (delete from raw.orders returning *) select * from x", (orders,)))
    assert warehouse.fetch(Query("select count(*) from raw.orders", (orders,))).rows == [(1,)]


def test_variables_of_the_python_program_are_no_tables(warehouse: Warehouse) -> None:
    private = [{"a": 1}]
    with pytest.raises(ModelError):
        warehouse.fetch(Query("select * from private"))
    assert private


def test_an_untrusted_call_does_not_see_the_files_of_another(tmp_path: Path) -> None:
    warehouse = open_duckdb(tmp_path, untrusted=True)
    other = tmp_path / "scratch"
    (folder,) = other.iterdir()
    (folder / "of-another-call.parquet").write_bytes(b"hunter2")
    with pytest.raises(ModelError):
        warehouse.fetch(Query(f"select content from read_text('{folder}/of-another-call.parquet')"))
    with pytest.raises(ModelError):
        warehouse.fetch(Query(f"select * from glob('{folder}/*')"))
    warehouse.close()


def _aimed(attack: str, folder: Path) -> str:
    return attack.format(secret=folder / "secret.csv", folder=folder, store=folder / "store", scratch=folder / "scratch")


def _outside(folder: Path) -> set[str]:
    """Everything on disk that is not scratch."""
    return {str(path) for path in folder.rglob("*") if folder / "scratch" not in path.parents}
