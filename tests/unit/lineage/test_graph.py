"""The order of models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.span import Span
from startrail.lineage.errors import CyclicModels, UnmadeTable
from startrail.lineage.graph import order
from startrail.model.analysis import Analysis
from startrail.model.model import Model


def ordered(reads: dict[str, tuple[str, ...]], loads: tuple[str, ...] = (), maker: dict[str, str] | None = None) -> list[str]:
    models = {name: Model(name, "", f"models/{name}.sql", span=Span(f"models/{name}.sql")) for name in reads}
    analyses = {name: Analysis("", reads=tables) for name, tables in reads.items()}
    return order(models, analyses, maker or {name: name for name in reads}, loads)


def test_a_model_comes_after_what_it_reads() -> None:
    assert ordered({"m.c": ("m.b", "m.a"), "m.b": ("m.a",), "m.a": ("raw.x",)}, ("raw.x",)) == ["m.a", "m.b", "m.c"]


def test_the_order_does_not_depend_on_the_order_of_the_files() -> None:
    reads: dict[str, tuple[str, ...]] = {"m.z": (), "m.a": (), "m.k": ("m.z",)}
    assert ordered(reads) == ordered(dict(reversed(reads.items()))) == ["m.a", "m.z", "m.k"]


def test_what_reads_a_scripts_tables_comes_after_the_script() -> None:
    maker = {"jobs.script": "jobs.script", "out.t": "jobs.script", "m.a": "m.a"}
    assert ordered({"m.a": ("out.t",), "jobs.script": ()}, (), maker) == ["jobs.script", "m.a"]


def test_a_circle_is_printed_in_the_direction_of_the_data() -> None:
    with pytest.raises(
        CyclicModels, match=r"m\.a -> m\.b -> m\.c -> m\.a|m\.b -> m\.c -> m\.a -> m\.b|m\.c -> m\.a -> m\.b -> m\.c"
    ) as caught:
        ordered({"m.b": ("m.a",), "m.c": ("m.b",), "m.a": ("m.c",)})
    assert caught.value.at is not None


def test_a_model_that_reads_itself_is_a_circle() -> None:
    with pytest.raises(CyclicModels, match=r"m\.a -> m\.a"):
        ordered({"m.a": ("m.a",)})


def test_an_unknown_table_names_the_near_miss() -> None:
    with pytest.raises(UnmadeTable, match=r"raw\.ordrs") as caught:
        ordered({"m.a": ("raw.ordrs",)}, ("raw.orders", "raw.people"))
    assert caught.value.hint == "did you mean 'raw.orders'?"
    assert str(caught.value.at) == "models/m.a.sql:1:1"


def test_a_bare_name_is_unknown_and_its_table_is_offered() -> None:
    with pytest.raises(UnmadeTable) as caught:
        ordered({"m.a": ("orders",)}, ("raw.orders", "raw.people"))
    assert caught.value.hint == "did you mean 'raw.orders'?"


def test_a_long_chain_needs_no_deep_stack() -> None:
    names = [f"m.t{number:05}" for number in range(20_000)]
    reads: dict[str, tuple[str, ...]] = {
        name: (names[place + 1],) if place + 1 < len(names) else () for place, name in enumerate(names)
    }
    assert ordered(reads) == names[::-1]


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=30))
def test_every_acyclic_project_has_an_order(edges: list[list[int]]) -> None:
    reads = {
        f"m.t{place:02}": tuple(f"m.t{other:02}" for other in sorted(set(others)) if other < place)
        for place, others in enumerate(edges)
    }
    found = ordered(reads)
    assert sorted(found) == sorted(reads)
    assert all(found.index(table) < found.index(name) for name, tables in reads.items() for table in tables)
