"""Which partitions are stale: exactly those whose code or whose own inputs have changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.capabilities.models.errors import NoPartitions
from startrail.capabilities.models.plan import beyond_lookback, steps_of
from startrail.capabilities.models.survey import Partitioning, Survey
from startrail.model.analysis import Analysis
from startrail.model.model import Model

NOW = datetime(2026, 10, 4, 6, tzinfo=UTC)


def model(name: str = "marts.sales", **more: Any) -> Model:
    values: dict[str, Any] = {"kind": "partition", "partition_by": "day"} | more
    return Model(name=name, sql="", path=f"models/{name}.sql", **values)


def survey_of(analysis: Analysis, **views: Analysis) -> Survey:
    analyses = {"marts.sales": analysis} | {name.replace("_", "."): value for name, value in views.items()}
    return Survey(
        order=tuple(analyses),
        analyses=analyses,
        maker={name: name for name in analyses},
        partitioning={"raw.orders": Partitioning("ordered_at", "day"), "raw.hours": Partitioning("at", "hour")},
        loads={"raw.orders": "orders", "raw.rates": "rates", "raw.hours": "hours"},
    )


WINDOWED = survey_of(Analysis("code", reads=("raw.orders", "raw.rates"), windows={"raw.orders": "ordered_at"}))
ORDERS = {"all": "a9", "2026-10-01": "a1", "2026-10-02": "a2", "null": "a0"}
RATES = {"all": "b1"}


def keys(found: Survey, versions: dict[str, dict[str, str]], **more: Any) -> dict[str, str]:
    steps = steps_of(model(**more), found, frozenset(views_in(found)), versions, "duckdb-2", NOW)
    assert steps is not None
    return {step.partition: step.key for step in steps}


def views_in(found: Survey) -> list[str]:
    return [name for name in found.analyses if name.startswith("staging.")]


def test_partitions_are_those_of_the_confined_input_without_the_undated() -> None:
    assert list(keys(WINDOWED, {"raw.orders": ORDERS, "raw.rates": RATES})) == ["2026-10-01", "2026-10-02"]


def test_late_rows_make_only_their_own_partition_stale() -> None:
    before = keys(WINDOWED, {"raw.orders": ORDERS, "raw.rates": RATES})
    after = keys(WINDOWED, {"raw.orders": ORDERS | {"all": "a10", "2026-10-01": "late"}, "raw.rates": RATES})
    assert before["2026-10-02"] == after["2026-10-02"]
    assert before["2026-10-01"] != after["2026-10-01"]


def test_an_input_that_is_not_confined_makes_every_partition_stale() -> None:
    before = keys(WINDOWED, {"raw.orders": ORDERS, "raw.rates": RATES})
    after = keys(WINDOWED, {"raw.orders": ORDERS, "raw.rates": {"all": "b2"}})
    assert all(before[part] != after[part] for part in before)


def test_a_window_on_another_column_confines_nothing() -> None:
    other = survey_of(Analysis("code", reads=("raw.orders",), windows={"raw.orders": "invoiced_at"}))
    with pytest.raises(NoPartitions) as caught:
        keys(other, {"raw.orders": ORDERS})
    assert "start" in (caught.value.hint or "")


def test_a_window_passes_through_a_view_on_a_bare_column() -> None:
    found = survey_of(
        Analysis("code", reads=("staging.orders",), windows={"staging.orders": "sold_at"}),
        staging_orders=Analysis("view", reads=("raw.orders",), passes={"sold_at": ("raw.orders", "ordered_at")}),
    )
    before = keys(found, {"raw.orders": ORDERS})
    after = keys(found, {"raw.orders": ORDERS | {"all": "x", "2026-10-02": "late"}})
    assert before["2026-10-01"] == after["2026-10-01"]
    assert before["2026-10-02"] != after["2026-10-02"]


def test_editing_a_view_makes_its_readers_stale() -> None:
    def found(text: str) -> Survey:
        return survey_of(
            Analysis("code", reads=("staging.orders",), windows={"staging.orders": "sold_at"}),
            staging_orders=Analysis(text, reads=("raw.orders",), passes={"sold_at": ("raw.orders", "ordered_at")}),
        )

    assert keys(found("one"), {"raw.orders": ORDERS}) != keys(found("two"), {"raw.orders": ORDERS})


def test_a_model_waits_for_an_input_that_nothing_has_made_yet() -> None:
    assert steps_of(model(), WINDOWED, frozenset(), {"raw.orders": ORDERS}, "duckdb-2", NOW) is None


def test_hours_of_an_input_gather_into_days() -> None:
    found = survey_of(Analysis("code", reads=("raw.hours",), windows={"raw.hours": "at"}))
    before = keys(found, {"raw.hours": {"all": "1", "2026-10-01T03": "x", "2026-10-02T04": "y"}})
    after = keys(found, {"raw.hours": {"all": "2", "2026-10-01T03": "x", "2026-10-02T04": "y", "2026-10-02T05": "z"}})
    assert list(before) == ["2026-10-01", "2026-10-02"]
    assert before["2026-10-01"] == after["2026-10-01"]
    assert before["2026-10-02"] != after["2026-10-02"]


def test_a_cast_to_a_date_confines_days_but_not_hours() -> None:
    found = survey_of(Analysis("code", reads=("raw.hours",), windows={"raw.hours": "at"}, day_windows=("raw.hours",)))
    versions = {"raw.hours": {"all": "1", "2026-10-01T03": "x"}}
    assert list(keys(found, versions)) == ["2026-10-01"]
    with pytest.raises(NoPartitions):
        keys(found, versions, partition_grain="hour")


def test_a_declared_start_makes_partitions_up_to_now() -> None:
    found = survey_of(Analysis("code", reads=("raw.rates",)))
    assert list(keys(found, {"raw.rates": RATES}, start="2026-10-02")) == ["2026-10-02", "2026-10-03", "2026-10-04"]


def test_only_partitions_within_the_lookback_reopen_by_themselves() -> None:
    parts = ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"]
    assert beyond_lookback(model(lookback="2 days"), parts) == {"2026-10-01"}
    assert beyond_lookback(model(), parts) == frozenset()


@given(st.dictionaries(st.dates().map(str), st.text("abcdef", min_size=1, max_size=4), max_size=6), st.data())
def test_a_partition_s_key_depends_on_its_own_version_alone(parts: dict[str, str], data: st.DataObject) -> None:
    found = survey_of(Analysis("code", reads=("raw.orders",), windows={"raw.orders": "ordered_at"}))
    before = keys(found, {"raw.orders": parts | {"all": "1"}})
    if not parts:
        return
    changed = data.draw(st.sampled_from(sorted(parts)))
    after = keys(found, {"raw.orders": parts | {"all": "2", changed: parts[changed] + "!"}})
    assert {part for part in before if before[part] != after[part]} == {changed}
