"""Unit tests of models: the given rows, the model's own SQL, the difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fixtures.warehouse import open_duckdb

from startrail.base.span import Span
from startrail.capabilities.models.testing import ModelTestResult, run_tests
from startrail.capabilities.models.testing_values import infer, typed
from startrail.model.contract import Contract, Field
from startrail.model.model import Model, ModelColumn, ModelTest
from startrail.model.project import Project
from startrail.model.source import FolderFeed, Source
from startrail.model.types import parse_type
from startrail.ports.warehouse import Warehouse

SPAN = Span("tests/marts/daily.yml", 2, 1)
ORDERS = Contract(
    "orders",
    "1.0.0",
    (
        Field("id", parse_type("long")),
        Field("placed_at", parse_type("timestamptz")),
        Field("amount", parse_type("decimal(18,2)")),
        Field("tags", parse_type("list<string>")),
    ),
    SPAN,
)
DAILY = Model(
    "marts.daily",
    "select placed_at::date as day, sum(amount) as revenue, count(*) as orders from staging.orders\n"
    "where placed_at::date >= $start and placed_at::date < $end group by 1",
    "models/marts/daily.sql",
    kind="partition",
    partition_by="day",
    columns={"revenue": ModelColumn(type="decimal(18,2)")},
)
VIEW = Model(
    "staging.orders",
    "select id, placed_at, amount from raw.orders where amount is not null",
    "models/staging/orders.sql",
    kind="view",
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = open_duckdb(tmp_path)
    yield opened
    opened.close()


def run(warehouse: Warehouse, *tests: ModelTest, models: tuple[Model, ...] = (DAILY, VIEW)) -> list[ModelTestResult]:
    project = Project(
        "shop",
        "/nowhere",
        {},
        {"orders": Source("orders", FolderFeed(path="in", format="csv"), SPAN, contract="orders", into="raw.orders")},
        {"orders": ORDERS},
        {model.name: model for model in models},
        {},
        {test.name: test for test in tests},
    )
    ports: Any = SimpleNamespace(warehouse=lambda: warehouse)
    return run_tests(project, ports, {model.name for model in models} | {"marts.nope"})


def a_test(given: dict[str, list[dict[str, object]]], expect: list[dict[str, object]], **more: Any) -> ModelTest:
    fields: dict[str, Any] = {"name": "daily", "model": "marts.daily", "given": given, "expect": expect, "span": SPAN}
    return ModelTest(**fields | more)


GIVEN: dict[str, list[dict[str, object]]] = {
    "staging.orders": [
        {"id": 1, "placed_at": "2026-10-02T23:30:00+00:00", "amount": 10.1},
        {"id": 2, "placed_at": "2026-10-03T01:30:00+02:00", "amount": "0.20"},
        {"id": 3, "placed_at": "2026-10-03T12:00:00Z", "amount": 5},
    ]
}


def test_a_test_passes_when_exactly_the_expected_rows_come(warehouse: Warehouse) -> None:
    (result,) = run(
        warehouse, a_test(GIVEN, [{"day": "2026-10-02", "revenue": 10.3, "orders": 2}], parameters={"partition": "2026-10-02"})
    )
    assert result.passed, result.text()
    assert result.text() == "pass  daily"


def test_without_parameters_all_of_time_is_built(warehouse: Warehouse) -> None:
    (result,) = run(warehouse, a_test(GIVEN, [{"day": "2026-10-03"}, {"day": "2026-10-02"}]))
    assert result.passed, result.text()


def test_the_difference_shows_missing_and_unexpected_rows(warehouse: Warehouse) -> None:
    (result,) = run(warehouse, a_test(GIVEN, [{"day": "2026-10-02", "orders": 3}, {"day": "2026-10-03", "orders": 1}]))
    assert not result.passed
    assert result.text().splitlines() == [
        "FAIL  daily",
        "      - {day: 2026-10-02, orders: 3}",
        "      + {day: 2026-10-02, orders: 2}",
    ]


def test_a_row_expected_twice_must_come_twice(warehouse: Warehouse) -> None:
    (result,) = run(warehouse, a_test(GIVEN, [{"orders": 2}, {"orders": 2}, {"orders": 1}]))
    assert (result.missing, result.unexpected) == (("{orders: 2}",), ())


def test_no_expected_rows_means_no_rows(warehouse: Warehouse) -> None:
    nothing, something = run(warehouse, a_test({}, [], name="a"), a_test(GIVEN, [], name="b"))
    assert nothing.passed
    assert (something.passed, len(something.unexpected)) == (False, 2)


def test_the_types_of_a_raw_table_are_those_of_its_contract(warehouse: Warehouse) -> None:
    given: dict[str, list[dict[str, object]]] = {"raw.orders": [{"id": 1, "amount": "1.10", "_delivery": "d1"}, {"id": 2}]}
    (result,) = run(warehouse, a_test(given, [{"id": 1, "placed_at": None, "amount": 1.1}], model="staging.orders"))
    assert result.passed, result.text()


def test_a_double_that_the_header_promises_as_decimal_is_compared_as_decimal(warehouse: Warehouse) -> None:
    model = Model("marts.d", "select 0.5::double as x", "m.sql", columns={"x": ModelColumn(type="decimal(9,2)")})
    (result,) = run(warehouse, a_test({}, [{"x": 0.5}], model="marts.d"), models=(model,))
    assert result.passed, result.text()


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (a_test({"staging.orders": [{"idd": 1}]}, []), "idd"),
        (a_test({"staging.order": []}, []), "staging.order"),
        (a_test({}, [{"revenu": 1}]), "revenu"),
        (a_test({"staging.orders": [{"amount": "ten"}]}, []), "ten"),
        (a_test({"staging.orders": [{"amount": 1.005}]}, []), "1.005"),
        (a_test({"staging.orders": [{"placed_at": "2026-10-02T10:00:00"}]}, []), "2026-10-02T10:00:00"),
        (a_test({}, [{"orders": "2"}]), "'2'"),
        (a_test({}, [], model="marts.nope"), "marts.nope"),
        (a_test({}, [], parameters={"partition": "yesterday"}), "yesterday"),
    ],
)
def test_a_test_that_cannot_be_run_fails_and_says_why(warehouse: Warehouse, test: ModelTest, words: str) -> None:
    (result,) = run(warehouse, test)
    assert not result.passed
    assert words in result.text()
    assert str(SPAN) in result.text()


def test_an_error_in_the_sql_names_the_model_and_the_others_still_run(warehouse: Warehouse) -> None:
    broken = Model("marts.broken", "select\n  nope from staging.orders", "models/marts/broken.sql", sql_line=7)
    failed, passed = run(
        warehouse, a_test({}, [], name="a", model="marts.broken"), a_test({}, [], name="b"), models=(broken, DAILY, VIEW)
    )  # fmt: skip
    assert "models/marts/broken.sql:8:3" in failed.text()
    assert passed.passed


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (1, "decimal(9,2)", Decimal(1)),
        (1.1, "decimal(9,2)", Decimal("1.1")),
        ("2026-10-03", "date", date(2026, 10, 3)),
        ("2026-10-03T02:00:00+02:00", "timestamptz", datetime(2026, 10, 3, tzinfo=UTC)),
        ("AP8=", "binary", b"\x00\xff"),
        ([1, None], "list<long>", [1, None]),
        ({"a": 1}, "struct<a: long, b: string>", {"a": 1, "b": None}),
        ({"a": "1.5"}, "map<string, decimal(3,1)>", {"a": Decimal("1.5")}),
        (1, "double", 1.0),
    ],
)
def test_values_are_read_exactly(value: object, kind: str, wanted: object) -> None:
    assert typed(value, parse_type(kind)) == wanted


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.0, "long"), (True, "long"), ("1", "long"), (1, "string"), (1, "boolean"), (1.001, "decimal(9,2)"), ("x", "uuid"),
        ("2026-13-01", "date"), ("2026-10-03T00:00:00Z", "timestamp"), ({"z": 1}, "struct<a: long>"), ("a", "list<string>"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(value: object, kind: str) -> None:
    with pytest.raises(ValueError, match="not a value of type"):
        typed(value, parse_type(kind))


def test_a_table_that_nothing_declares_gets_its_types_from_its_values() -> None:
    found = infer([{"a": None, "b": 1, "c": None}, {"a": "x", "b": 1.5, "d": [1], "e": {"x": True}}])
    assert {column.name: str(column.type) for column in found.columns} == {
        "a": "string", "b": "double", "c": "string", "d": "list<long>", "e": "struct<x: boolean>",
    }  # fmt: skip
