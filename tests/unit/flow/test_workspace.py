"""What a run sees: published, overlaid with staged; and versions that do not depend on order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.ids import fingerprint
from startrail.flow.errors import UnknownTable
from startrail.flow.workspace import Workspace, add_version, merge, table_version
from startrail.model.step import Step, StepOutput
from startrail.model.table import Column, DataFile, Relation, TableChange, TableName, TableSchema, View
from startrail.model.types import Primitive
from startrail.testing.ledger import memory_ledger
from startrail.testing.store import MemoryStore
from startrail.testing.tables import MemoryTables

ORDERS = TableName("raw", "orders")
SCHEMA = TableSchema((Column("id", Primitive("long"), 1),))


def workspace() -> Workspace:
    tables = MemoryTables()
    return Workspace(memory_ledger(), lambda: tables)


def change(*parts: str, replaces: tuple[str, ...] | None = None, step: str = "s", whole: bool = False) -> TableChange:
    files = tuple(DataFile(f"tables/raw/orders/data/{part}/{step}.parquet", 1, 10, part) for part in parts)
    return TableChange(ORDERS, SCHEMA, files, None if whole else (replaces if replaces is not None else parts), (step,))


def test_an_unknown_table_is_an_error_with_a_next_step() -> None:
    with pytest.raises(UnknownTable) as caught:
        workspace().table("raw.orders")
    assert caught.value.hint == "run 'startrail run' first"


def test_a_staged_table_is_seen_before_it_is_published() -> None:
    work = workspace()
    work.stage(Step("build", "raw.orders", "d1"), StepOutput(changes=(change("d1"),), rows=1))
    assert [file.part for file in work.table("raw.orders").files] == ["d1"]
    assert work.exists("raw.orders")


def test_a_view_brings_what_it_reads_and_stands_after_it() -> None:
    work = workspace()
    work.stage(Step("build", "raw.orders", "d1"), StepOutput(changes=(change("d1"),), rows=1))
    work.stage(Step("build", "staging.orders"), StepOutput(view="select * from raw.orders", reads=("raw.orders",)))
    found = work.relations("staging.orders")
    assert [type(item) for item in found] == [Relation, View]


def test_the_second_change_of_a_part_replaces_the_first() -> None:
    merged = merge(change("d1", "d2", step="one"), change("d2", step="two"))
    assert [file.key for file in merged.files] == [
        "tables/raw/orders/data/d1/one.parquet",
        "tables/raw/orders/data/d2/two.parquet",
    ]
    assert merged.replaces == ("d1", "d2")


def test_a_change_after_a_whole_replacement_stays_whole() -> None:
    merged = merge(change("d1", whole=True), change("d2"))
    assert merged.replaces is None
    assert {file.part for file in merged.files} == {"d1", "d2"}


def test_a_table_that_is_replaced_whole_forgets_its_partitions() -> None:
    work = workspace()
    work.stage(Step("build", "raw.orders", "d1"), StepOutput(changes=(change("d1"),)))
    work.stage(Step("build", "raw.orders"), StepOutput(changes=(change("all", whole=True),)))
    assert set(work.versions["raw.orders"]) == {"all"}
    assert work.moved["raw.orders"]["d1"] == ""


def test_what_an_earlier_run_staged_is_taken_only_while_its_files_are_there() -> None:
    work, store = workspace(), MemoryStore()
    output = StepOutput(changes=(change("d1"),))
    assert not work.can_take(output, store)
    store.put(output.changes[0].files[0].key, b"parquet")
    assert work.can_take(output, store)


KEYS = st.lists(st.integers().map(str).map(fingerprint), unique=True, max_size=6)


@given(KEYS, st.randoms())
def test_a_version_does_not_depend_on_the_order_of_loading(keys: list[str], random: Random) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)

    def total(order: list[str]) -> str | None:
        version = None
        for key in order:
            version = add_version(version, key)
        return version

    assert total(keys) == total(shuffled)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=4), st.text(min_size=1), st.text(min_size=1))
def test_a_table_s_version_changes_with_any_partition(versions: dict[str, str], part: str, version: str) -> None:
    if "all" in versions or part == "all" or versions.get(part) == version:
        return
    assert table_version(versions) != table_version(versions | {part: version})


def test_loads_of_one_run_may_each_bring_columns_and_none_takes_those_of_another_away() -> None:
    work = workspace()
    id_, a, b = SCHEMA.columns[0], Column("a", Primitive("string")), Column("b", Primitive("long"))
    for number, columns in enumerate([(id_, a), (id_, b)]):
        schema = work.schema("raw.orders", TableSchema(columns))
        brought = TableChange(ORDERS, schema, (DataFile(f"f{number}", 1, 10, f"d{number}"),), (f"d{number}",))
        work.stage(Step("load", "orders", f"d{number}"), StepOutput(changes=(brought,), rows=1))
    assert [(column.name, column.id) for column in work.table("raw.orders").schema.columns] == [("id", 1), ("b", 3), ("a", 2)]


def test_what_was_staged_with_an_id_that_is_another_column_now_is_not_taken() -> None:
    work, store = workspace(), MemoryStore()
    store.put("f", b"x")
    id_ = SCHEMA.columns[0]
    mine, other = TableSchema((id_, Column("a", Primitive("string"), 2))), TableSchema((id_, Column("b", Primitive("string"), 2)))
    work.stage(Step("load", "orders", "d1"), StepOutput(changes=(TableChange(ORDERS, mine, (), ("d1",)),)))
    late = StepOutput(changes=(TableChange(ORDERS, other, (DataFile("f", 1, 1, "d2"),), ("d2",)),))
    assert not work.can_take(late, store)
