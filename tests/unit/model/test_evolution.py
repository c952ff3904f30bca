"""Field ids through the life of a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.parquet import schema_of

from startrail.model.evolution import assign_ids, greatest_id, ids_of, inner_fields, widens
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf, parse_type


def test_a_new_table_counts_from_one_through_nested_fields() -> None:
    schema = assign_ids(schema_of(id="long", who="struct<name: string, at: date>", m="map<string, list<int>>"), None, 0)
    assert [ids_of(column) for column in schema.columns] == [(1,), (2, 3, 4), (5, 6, 7, 8)]


def test_a_field_added_inside_a_struct_leaves_the_other_ids() -> None:
    old = assign_ids(schema_of(who="list<struct<name: string>>"), None, 0)
    new = assign_ids(schema_of(who="list<struct<age: int, name: string>>"), old, 3)
    assert ids_of(old.columns[0]) == (1, 2, 3)
    assert ids_of(new.columns[0]) == (1, 2, 4, 3)


def test_a_field_retyped_inside_a_struct_is_another_field() -> None:
    old = assign_ids(schema_of(who="struct<a: string, b: struct<x: int>>"), None, 0)
    new = assign_ids(schema_of(who="struct<a: int, b: struct<x: long>>"), old, 4)
    assert ids_of(new.columns[0]) == (1, 5, 3, 4)


def test_columns_may_swap_their_names() -> None:
    old = assign_ids(schema_of(a="int", b="int"), None, 0)
    new = assign_ids(TableSchema((Column("b", Primitive("int"), 1), Column("a", Primitive("int"), 2))), old, 2)
    assert [column.id for column in new.columns] == [1, 2]


def test_a_new_column_under_the_old_name_of_a_renamed_one_is_new() -> None:
    old = assign_ids(schema_of(a="int"), None, 0)
    new = assign_ids(TableSchema((Column("b", Primitive("int"), 1), Column("a", Primitive("int")))), old, 1)
    assert [column.id for column in new.columns] == [1, 2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int", "long"),
        ("float", "double"),
        ("decimal(9,2)", "decimal(18,2)"),
        ("list<int>", "list<long>"),
        ("map<string, int>", "map<string, long>"),
        ("struct<a: int>", "struct<b: string>"),
        ("uuid", "uuid"),
    ],
)
def test_these_types_widen_and_never_back(old: str, new: str) -> None:
    assert widens(parse_type(old), parse_type(new))
    if old != new and "struct" not in old:
        assert not widens(parse_type(new), parse_type(old))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int", "string"),
        ("long", "double"),
        ("decimal(9,2)", "decimal(18,3)"),
        ("date", "timestamp"),
        ("timestamp", "timestamptz"),
        ("list<int>", "int"),
        ("map<int, int>", "map<long, int>"),
        ("string", "binary"),
    ],
)
def test_these_types_are_other_columns(old: str, new: str) -> None:
    assert not widens(parse_type(old), parse_type(new))


primitives = st.sampled_from(["int", "long", "string", "date"]).map(Primitive)
types: st.SearchStrategy[DataType] = st.recursive(
    primitives | st.builds(Decimal, st.integers(5, 20), st.integers(0, 5)),
    lambda inner: (
        st.builds(ListOf, inner)
        | st.builds(MapOf, primitives, inner)
        | st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(lambda fields: StructOf(tuple(fields.items())))
    ),
    max_leaves=5,
)
schemas = st.dictionaries(st.sampled_from("pqrs"), types).map(
    lambda columns: TableSchema(tuple(Column(name, kind) for name, kind in columns.items()))
)


@given(st.lists(schemas, min_size=1, max_size=6))
def test_an_id_means_one_field_of_one_kind_for_ever(history: list[TableSchema]) -> None:
    meaning: dict[int, DataType] = {}
    current: TableSchema | None = None
    last_id = 0
    for schema in history:
        assigned = assign_ids(schema, current, last_id)
        fields = [field for column in assigned.columns for field in _fields(column)]
        assert len({id for id, _ in fields}) == len(fields)
        before = {id for column in current.columns for id in ids_of(column)} if current is not None else set()
        for id, kind in fields:
            assert id in before or id > last_id
            if id in before:
                assert widens(meaning[id], kind)
            meaning[id] = kind
        current, last_id = assigned, max(last_id, greatest_id(assigned))


def _fields(column: Column) -> list[tuple[int, DataType]]:
    ids = iter(column.nested)

    def inside(kind: DataType) -> list[tuple[int, DataType]]:
        found: list[tuple[int, DataType]] = []
        for _, inner in inner_fields(kind):
            found.append((next(ids), inner))
            found += inside(inner)
        return found

    return [(column.id, column.type), *inside(column.type)]
