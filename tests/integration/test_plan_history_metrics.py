"""``startrail plan`` on history: the dictionary's metrics that a changed contract would have moved."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.till import Till
from tests.integration.test_plan_history import club, files, mandatory, records, said

METRIC = """\
    metric: {name}
    owner: desk@club.example
    status: standard
    unit: EUR
    source: {source}
    agg: {agg}
    {more}
    """
DAILY = """\
    /* startrail
    kind: partition
    partition_by: day
    */
    select f.day, f.channel, sum(f.fee) as fees, count(*) as customers -- what a day brought
    from staging.fees as f
    where f.day >= $start and f.day < $end
    group by f.day, f.channel;
    """


def dictionary(till: Till) -> None:
    till.put(
        "models/staging/fees.sql",
        "/* startrail\nkind: view\n*/\nselect c.id, c.day, c.channel, c.fee from raw.customers as c where c.fee is not null\n",
    )
    till.put("models/marts/daily.sql", DAILY)
    till.put("models/marts/best.sql", "select max(d.fees) as best, avg(d.fees) as mean from marts.daily as d\n")
    metric(till, "club.fees", "marts.daily", "sum", "expr: fees\n    agg_time_dimension: {column: day}")
    metric(till, "club.direct", "raw.customers", "sum", "expr: fee")
    metric(till, "club.best", "marts.best", "max", "expr: best")
    metric(till, "club.mean", "marts.best", "max", "expr: mean")


def metric(till: Till, name: str, source: str, agg: str, more: str) -> None:
    till.put(f"metrics/{name.replace('.', '/')}.yml", METRIC.format(name=name, source=source, agg=agg, more=more))


def measured(till: Till, *more: str) -> dict[str, Any]:
    outcome = said(till, "--json", *more)
    assert outcome.code == 0, outcome.text
    (found,) = outcome.of("history")
    return {each["metric"]: each for each in found["metrics"]}


def values(each: dict[str, Any]) -> tuple[str, str, str]:
    return each["now"], each["without"], each["change"]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    # Day 1 has no phone at all and would be held; of day 2 two rows would be refused, of day 3 one.
    made = club(tmp_path, day_1=records(1, "----"), day_2=records(2, "xx0x-xxx", "10.25"), day_3=records(3, "xxxxx-"))
    dictionary(made)
    assert made.run().code == 0
    return made


@pytest.mark.parametrize("full", [(), ("--full",)])
def test_metrics_say_what_they_would_be_without_the_refused_rows(till: Till, full: tuple[str, ...]) -> None:
    mandatory(till)
    found = measured(till, *full)
    assert values(found["club.fees"]) == ("107.00", "74.00", "-33.00")
    assert found["club.fees"]["period"] == "2026-05-01..2026-05-03"
    assert values(found["club.direct"]) == ("107.00", "74.00", "-33.00")
    assert values(found["club.best"]) == ("41.00", "41.00", "0.00")
    assert "floating point" in found["club.mean"]["not_measured"]


def test_a_delivery_that_would_be_held_goes_with_its_good_rows(till: Till) -> None:
    mandatory(till)
    till.edit("sources/customers.yml", "contract: customers", "contract: customers\nquarantine: {hold_above: 20%}")
    assert values(measured(till)["club.direct"]) == ("107.00", "12.50", "-94.50")


def test_what_moves_on_other_days_is_not_kept_quiet(till: Till) -> None:
    till.put("models/marts/due.sql", "select c.id, c.day + interval 3 day as due, c.fee from raw.customers as c\n")
    metric(till, "club.due", "marts.due", "sum", "expr: fee\n    agg_time_dimension: {column: due}")
    assert till.run().code == 0
    mandatory(till)
    found = measured(till)
    assert (*values(found["club.due"]), found["club.due"]["beyond"]) == ("0", "0", "0", "-33.00")
    assert found["club.fees"]["beyond"] is None
    assert "metric club.due: 0 -> 0 EUR (+0), 2026-05-01..2026-05-03; -33.00 on other days" in said(till).out


def test_text_and_markdown_name_them(till: Till) -> None:
    mandatory(till)
    lines = said(till).out
    assert "metric club.fees: 107.00 -> 74.00 EUR (-33.00), 2026-05-01..2026-05-03\n" in lines
    assert "metric club.mean: not measured: " in lines
    assert "1 metric would have the same value\n" in lines
    assert r"- metric club.fees\: 107.00 \-&gt; 74.00 EUR \(\-33.00\)" in said(till, "--markdown").out.replace("\\>", "&gt;")


def test_measuring_changes_nothing_but_the_cache(till: Till) -> None:
    mandatory(till)
    before = files(till.root)
    measured(till)
    assert files(till.root) == before


def test_what_was_not_published_as_its_sql_says_now_is_not_measured(till: Till) -> None:
    till.edit("models/marts/daily.sql", "sum(f.fee) as fees", "sum(f.fee) + 1 as fees")
    mandatory(till)
    found = measured(till)
    assert "cannot be computed again" in found["club.fees"]["not_measured"]
    assert values(found["club.direct"]) == ("107.00", "74.00", "-33.00")


def test_what_a_script_makes_is_not_measured(till: Till) -> None:
    till.put(
        "models/marts/scripted.sql",
        "/* startrail\nkind: script\n*/\ncreate table marts.scripted as select sum(c.fee) as fees from raw.customers as c;\n",
    )
    metric(till, "club.scripted", "marts.scripted", "sum", "expr: fees")
    assert till.run().code == 0
    mandatory(till)
    assert "made by a script" in measured(till)["club.scripted"]["not_measured"]


def test_a_contract_that_refuses_nothing_moves_no_metric(till: Till) -> None:
    till.edit("contracts/customers.odcs.yml", "minimum: 0", "minimum: 1")
    assert measured(till) == {}


def test_rows_that_would_come_in_are_said_to_be_left_out(tmp_path: Path) -> None:
    till = club(tmp_path, day_1=[*records(1, "xx-"), *records(2, "x", "-4.00")])
    dictionary(till)
    assert till.run().code == 0
    mandatory(till)
    till.edit("contracts/customers.odcs.yml", "minimum: 0", "minimum: -9")
    assert "metric club.direct: 7.50 -> 5.00 EUR (-2.50)" in said(till).out
    assert "rows that would come in are not in the metrics' values" in said(till).out


ROWS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 10**7), st.sampled_from("xxx0-")), min_size=1, max_size=25)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_the_difference_is_that_of_plain_python(tmp_path_factory: pytest.TempPathFactory, days: list[Any]) -> None:
    deliveries: dict[str, list[dict[str, Any]]] = {}
    for place, rows in enumerate(days):
        made = [records(day, mark, f"{Decimal(cents) / 100:.2f}")[0] for day, cents, mark in rows]
        deliveries[f"load_{place}"] = [{**each, "id": 1000 * place + n} for n, each in enumerate(made)]
    till = club(tmp_path_factory.mktemp("club"), **deliveries)
    dictionary(till)
    assert till.run().code == 0
    mandatory(till)
    every = [each for made in deliveries.values() for each in made]
    kept = [each for each in every if each.get("phone") is not None]
    if len(kept) == len(every):
        return
    found = measured(till)
    for name in ("club.fees", "club.direct"):
        now, without, change = map(Decimal, values(found[name]))
        assert now == sum(Decimal(each["fee"]) for each in every)
        assert without == sum(Decimal(each["fee"]) for each in kept)
        assert now + change == without
