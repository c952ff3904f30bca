"""What ``why`` cannot, or can only just, answer: a refusal with its reason, or the right number; never a wrong one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fixtures.till import SECOND_MORNING, Till, assert_refused

BASE = "metric: m.base\nsource: raw.sales\ngrain: sale_id\nexpr: amount\nagg_time_dimension: {column: day}\n"
DAYS = ("--period", "2026-10-01..2026-10-02")


def other(changes: dict[str, str] | None = None, more: str = "") -> str:
    """``m.base`` as ``m.other``, with words replaced and lines added."""
    text = BASE.replace("m.base", "m.other")
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    return text + more


class Refused(NamedTuple):
    """A question, and what is said instead of a number."""

    name: str
    code: str
    says: str
    hint: str
    metric: str = BASE.replace("m.base", "m.other")
    files: dict[str, str] = {}
    arguments: tuple[str, ...] = ("m.base", "m.other", *DAYS)

    @property
    def of_other_data(self) -> bool:
        return any(not path.startswith("metrics/") for path in self.files)


FX = "currency: {from: store, to: EUR, rates: marts.fx, columns: {date: day}}\n"
MEAN = {"expr:": "agg: avg\nexpr:"}
REFUSED = [
    Refused("an unknown metric", "ST438", "no metric 'm.othr'", "'m.other'", arguments=("m.base", "m.othr")),
    Refused(
        "no common table", "ST458", "different tables", "models that select from one",
        other({"raw.sales": "raw.rates", "grain: sale_id\n": "", "amount": "rate"}),
    ),
    Refused("different aggregates", "ST458", "one is sum, the other max", "one aggregate", other({"expr:": "agg: max\nexpr:"})),
    Refused(
        "a fan-out that the dictionary forbids", "ST442", "adds 1 row", "on_fanout",
        other(more="joins: [{to: raw.rates, on: sales.day = rates.day}]\n"),
        {"treasury/rates_2.csv": "day,rate\n2026-10-02,1.2\n2026-10-02,1.3\n"},
    ),
    Refused(
        "a missing rate", "ST443", "1 row has no rate", "on_missing: skip",
        other(more=f"{FX}filters: [{{name: one, sql: sale_id = 'a2'}}]\n"),
        {"models/marts/fx.sql": "select r.day, r.rate, 'north' as currency from raw.rates as r\n"},
    ),
    Refused("a period that is none", "ST439", "not a period", "2026-10", arguments=("m.base", "m.other", "--period", "soon")),
    Refused(
        "a period without rows, and a mean", "ST453", "no value in this period", "choose another",
        other(MEAN | {"amount": "amount + 1"}), {"metrics/base.yml": BASE.replace("expr:", MEAN["expr:"])},
        ("m.base", "m.other", "--period", "2020"),
    ),
    Refused("SQL of a metric that does not parse", "ST435", "m.other", "", other({"expr: amount": "expr: amount +"})),
    Refused("a whole query that does not parse", "ST4", "one.sql", "", arguments=("--sql-a", "one.sql", "m.base")),
    Refused("a column that is not there", "ST436", "'amuont'", "'amount'", other({"expr: amount": "expr: amuont"})),
    Refused(
        "one side without periods", "ST439", "no time column", "--period",
        other({"agg_time_dimension: {column: day}\n": ""}),
    ),
]  # fmt: skip


UNKEYED = "select s.day, s.amount, nullif(s.store, 'north') as key from raw.sales as s\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """Run once; a question needs no run of its own unless it is about other data."""
    made = Till.write(tmp_path_factory.mktemp("bad") / "till")
    made.put("models/marts/unkeyed.sql", UNKEYED)
    made.good_run()
    return made


@pytest.fixture
def till(published: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    published.put("metrics/base.yml", BASE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.sql").write_text("select sum(amount from raw.sales", encoding="utf-8")
    yield published
    shutil.rmtree(published.root / "metrics")


@pytest.fixture
def fresh(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.put("metrics/base.yml", BASE)
    return made


def refuses(till: Till, case: Refused) -> None:
    for path, text in {"metrics/other.yml": case.metric, **case.files}.items():
        till.put(path, text)
    if case.of_other_data:
        till.run()
    outcome = till.call("why", *case.arguments)
    code = case.code if len(case.code) == 5 else rf"{case.code}\d\d"
    assert_refused(outcome, code, says=case.says, hint=case.hint)
    assert "unexplained" not in outcome.out, "no line of a gap is given"


@pytest.mark.parametrize("case", [case for case in REFUSED if not case.of_other_data], ids=lambda case: case.name)
def test_refused_with_the_reason_and_what_to_do(till: Till, case: Refused) -> None:
    refuses(till, case)


@pytest.mark.parametrize("case", [case for case in REFUSED if case.of_other_data], ids=lambda case: case.name)
def test_refused_for_what_the_rows_are_like(fresh: Till, case: Refused) -> None:
    refuses(fresh, case)


class Answered(NamedTuple):
    """A question that looks as bad, and has an exact answer."""

    name: str
    metric: str
    gap: str
    base: str = BASE
    says: str = ""
    period: tuple[str, ...] = DAYS


MANY = "".join(f"  - {{name: f{n}, sql: amount <> {n}.50}}\n" for n in range(40))
ANSWERED = [
    Answered("a period without rows, and a sum", other({"amount": "amount * 2"}), "0.00", period=("--period", "2020")),
    Answered("floats", other({"amount": "cast(amount as double) / 3"}), "", says="floating point"),
    Answered("forty filters that differ", other(more=f"filters:\n{MANY}"), "-5.50"),
    Answered("another grain over the same rows", other({"sale_id": "[day, store]", "amount": "amount * 2"}), "22.75"),
    Answered(
        "keys that are NULL are no duplicates of each other",
        other({"source: raw.sales": "source: marts.unkeyed", "grain: sale_id\n": ""}, more="dedup: {key: key, order_by: day}\n"),
        "0.00",
        base=BASE.replace("raw.sales", "marts.unkeyed").replace("grain: sale_id\n", ""),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", ANSWERED, ids=[case.name for case in ANSWERED])
def test_answered_without_a_residual_and_as_plain_queries_answer(till: Till, case: Answered) -> None:
    till.put("metrics/base.yml", case.base)
    till.put("metrics/other.yml", case.metric)
    outcome = till.call("why", "m.base", "m.other", *case.period, "--verify", "--json")
    assert outcome.code == 0, outcome.text
    found: dict[str, Any] = outcome.result
    assert Decimal(found["unexplained"]) == 0
    assert sum((Decimal(line["amount"]) for line in found["lines"]), Decimal(0)) == Decimal(found["gap"])
    assert not case.gap or Decimal(found["gap"]) == Decimal(case.gap)
    assert case.says in str(found["notes"])
    values = [
        till.call("metric", "value", name, *case.period, "--json").of("value")[0]["value"] for name in ("m.base", "m.other")
    ]
    assert [Decimal(str(value)) for value in values] == pytest.approx([Decimal(found["value_a"]), Decimal(found["value_b"])])


def test_a_definition_that_does_not_give_its_own_dashboard_number_is_refused(fresh: Till) -> None:
    """The dashboard reads a model that was not built since the rows behind it changed."""
    fresh.put("models/marts/north.sql", "select s.day, s.amount * 2 as doubled from raw.sales as s where s.store = 'north'\n")
    fresh.put("metrics/other.yml", other({"raw.sales": "marts.north", "grain: sale_id\n": "", "amount": "doubled"}))
    fresh.good_run()
    assert fresh.call("why", "m.base", "m.other", *DAYS).code == 0
    fresh.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-02,north,1.00\n")
    fresh.run("--select", "sales", now=SECOND_MORNING)
    outcome = fresh.call("why", "m.base", "m.other", *DAYS)
    assert_refused(outcome, "ST452", says="gives 34.5 itself", hint="metric sql m.other")
    assert "unexplained" not in outcome.out
