"""Verbs, presets and thresholds; suspicion from the past; names that are alike."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.base.span import Span
from startrail.capabilities.contracts.policy import PRESETS, describe, reaction, verdict
from startrail.capabilities.contracts.suspect import Past, suspicions
from startrail.model.delivery import Delivery
from startrail.model.drift import VERBS, DriftPolicy, DriftPreset, Reaction
from startrail.model.names import Names, alike
from startrail.model.source import Feed, FolderFeed, HttpFeed, Source
from startrail.ports.loader import Drift, LoadOutcome

ORDERS = contract(field("id", "long"), field("ms", "long"))
DRIFTS = st.lists(st.builds(Drift, st.sampled_from(sorted(VERBS)), st.just("$.x"), st.integers(0, 100)), max_size=5)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_reacts_to_every_kind_with_a_verb_that_it_may_have(preset: DriftPreset) -> None:
    for kind, verbs in VERBS.items():
        assert reaction(DriftPolicy(preset), kind).do in verbs


def test_an_override_wins_over_the_preset() -> None:
    assert reaction(DriftPolicy("strict"), "new_field").do == "hold"
    assert reaction(DriftPolicy("strict", new_field="keep"), "new_field").do == "keep"


@given(DRIFTS, st.sampled_from(sorted(PRESETS)))
def test_a_delivery_is_held_or_stopped_exactly_for_its_severest_finding(drifts: list[Drift], preset: DriftPreset) -> None:
    found = verdict(drifts, 100, DriftPolicy(preset))
    verbs = {finding.verb for finding in found.findings}
    assert len(found.findings) == len(drifts)
    assert found.action == ("stop" if "stop" in verbs else "hold" if "hold" in verbs else "load")
    assert (found.reason is None) == (found.action == "load")


@pytest.mark.parametrize(("rows", "action"), [(5, "load"), (6, "hold")])
def test_a_share_above_the_threshold_holds_the_delivery(rows: int, action: str) -> None:
    policy = DriftPolicy(wrong_type=Reaction("quarantine", "5%"))
    assert verdict([Drift("wrong_type", "$.x", rows)], 100, policy).action == action


def test_stop_is_not_softened_by_a_threshold() -> None:
    assert verdict([Drift("wrong_type", "$.x", 99)], 100, DriftPolicy(wrong_type=Reaction("stop", "5%"))).action == "stop"


def test_a_finding_is_described_in_a_few_words() -> None:
    (finding,) = verdict([Drift("wrong_type", "$.x", 1, '"a"')], 10, DriftPolicy()).findings
    assert describe(finding) == 'wrong_type at $.x in 1 row, such as "a"'


def past(*medians: float, rows: int = 100) -> tuple[Past, ...]:
    return tuple(Past(rows, {"ms": value}, stream="orders_#.csv") for value in medians)


def seen(outcome: LoadOutcome, history: tuple[Past, ...], feed: Feed | None = None) -> list[str]:
    source = Source("orders", feed or FolderFeed("in"), Span("sources/orders.yml"))
    delivery = Delivery("d", "orders", "orders_7.csv", "ab" * 32, 1, datetime(2026, 10, 3, tzinfo=UTC), "csv", "r")
    return [drift.kind for drift in suspicions(outcome, ORDERS, source, delivery, True, history)]


def test_what_no_single_row_shows_holds_where_rows_would_be_set_aside_and_is_only_told_by_observe() -> None:
    turned = Drift("date_order", "$.due", 20, "", whole=True)
    assert verdict([turned], 20, DriftPolicy()).action == "hold"
    assert verdict([turned], 20, DriftPolicy(date_order="keep")).action == "hold"
    assert verdict([turned], 20, DriftPolicy(date_order="stop")).action == "stop"
    (finding,) = verdict([turned], 20, DriftPolicy(preset="observe")).findings
    assert finding.verb == "accept"


@pytest.mark.parametrize("factor", [10, 100, 1000, 1024, 60, 3600, 0.01, 0.001])
def test_a_median_that_changes_by_a_units_factor_is_suspected(factor: float) -> None:
    assert seen(LoadOutcome(100, medians={"ms": 5.0 * factor}), past(4.9, 5.0, 5.1, 5.0, 5.2)) == ["unit_shift"]


@pytest.mark.parametrize("now", [5.0, 9.0, 25.0, 150.0, -5000.0])
def test_another_change_is_not(now: float) -> None:
    assert seen(LoadOutcome(100, medians={"ms": now}), past(4.9, 5.0, 5.1, 5.0, 5.2)) == []


def test_a_column_without_a_steady_size_or_enough_past_has_no_unit_to_shift() -> None:
    assert seen(LoadOutcome(100, medians={"ms": 500.0}), past(1, 5, 50, 5, 5)) == []
    assert seen(LoadOutcome(100, medians={"ms": 500.0}), past(5, 5, 5, 5)) == []


def test_far_fewer_rows_than_usual_are_suspected_only_in_files_of_the_same_kind() -> None:
    usual = past(5, 5, 5, 5, 5)
    assert seen(LoadOutcome(19), usual) == ["far_smaller"]
    assert seen(LoadOutcome(0), usual) == ["empty"]
    assert seen(LoadOutcome(20), usual) == []
    assert seen(LoadOutcome(19), (*usual, *past(5, rows=30))) == []
    assert seen(LoadOutcome(19), tuple(Past(100, stream="other_#.csv") for _ in range(9))) == []
    assert seen(LoadOutcome(1), usual, HttpFeed("https://shop.example/api", cursor="updated_at")) == []


@pytest.mark.parametrize(
    ("missing", "new"), [("qty", "quantity"), ("unit_price", "unitPrice"), ("amount", "order_amount"), ("customer", "custumer")]
)
def test_like_names_are_found(missing: str, new: str) -> None:
    assert alike(missing, ["zzz", new, "weight"]) == new


def test_unlike_names_are_not() -> None:
    assert alike("qty", ["coupon", "city", "id"]) is None


def test_a_name_means_a_field_by_alias_or_letter_case_when_only_one_claims_it() -> None:
    names = Names(contract(field("id", "long"), field("amount", "long", aliases=("total",))))
    assert names.meant(["ID", "total"]) == {"ID": "id", "total": "amount"}
    assert names.meant(["id", "ID", "total", "Amount"]) == {}
