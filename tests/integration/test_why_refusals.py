"""What ``startrail why`` does when slots cannot be told apart: models looked through, texts mixed, rows by key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.till import Till

PERIOD = ("--period", "2026-10-01..2026-10-02")
STORES = """\
    select s.store, sum(s.amount) as amount, count(*) as sales from raw.sales as s where s.amount > {least} group by s.store
    """
METRIC = "metric: {name}\nsource: {source}\ngrain: {grain}\n{more}"


def metric(till: Till, name: str, source: str, grain: str, more: str) -> None:
    till.put(f"metrics/{name.replace('.', '/')}.yml", METRIC.format(name=name, source=source, grain=grain, more=more))


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path / "till")


def test_two_models_of_groups_are_mixed_over_the_table_that_both_read(till: Till, tmp_path: Path) -> None:
    till.put("models/marts/stores.sql", STORES.format(least="0"))
    till.put("models/marts/large_stores.sql", STORES.format(least="6"))
    metric(till, "finance.large", "marts.stores", "store", "expr: amount\nfilters: [{name: many, sql: sales > 1}]\n")
    metric(till, "marketing.large", "marts.large_stores", "store", "expr: amount * 2\nfilters: [{name: many, sql: sales > 1}]\n")
    till.good_run()
    folder = tmp_path / "proof"
    outcome = till.call("why", "finance.large", "marketing.large", "--verify", "--evidence", str(folder), "--json")
    assert outcome.code == 0, outcome.text
    result = outcome.result
    assert (result["method"], result["value_a"], result["value_b"]) == ("texts", "17.25", "34.50")
    assert Decimal(result["unexplained"]) == 0
    assert {line["cause"]: line["amount"] for line in result["lines"]} == {"column value": "17.25"}
    assert "condition" in result["without_effect"][0]
    (row,) = till.rows((folder / "00_b.sql").read_text(encoding="utf-8"))
    assert Decimal(str(row["value"])) == Decimal("34.50")


def test_models_that_are_not_built_as_they_are_written_are_not_mixed(till: Till) -> None:
    till.put("models/marts/stores.sql", STORES.format(least="0"))
    till.put("models/marts/large_stores.sql", STORES.format(least="6"))
    metric(till, "finance.all", "marts.stores", "store", "expr: amount\n")
    metric(till, "finance.large", "marts.large_stores", "store", "expr: amount\n")
    till.good_run()
    assert till.call("why", "finance.all", "finance.large", "--json").result["method"] == "texts"
    till.edit("models/marts/large_stores.sql", "> 6", "> 9")
    result = till.call("why", "finance.all", "finance.large", "--json").result
    assert (result["method"], [line["cause"] for line in result["lines"]]) == ("rows", ["source"])


def test_a_model_with_a_join_is_looked_through(till: Till) -> None:
    till.put(
        "models/marts/rated.sql",
        "with s as (select * from raw.sales)\n"
        "select s.sale_id, s.day, s.amount, r.rate from s join raw.rates as r on r.day = s.day where s.store = 'north'\n",
    )
    metric(till, "finance.all", "raw.sales", "sale_id", "expr: amount\nagg_time_dimension: {column: day}\n")
    metric(till, "finance.rated", "marts.rated", "sale_id", "expr: amount\nagg_time_dimension: {column: day}\n")
    till.good_run()
    outcome = till.call("why", "finance.all", "finance.rated", *PERIOD, "--verify", "--json")
    assert outcome.code == 0, outcome.text
    assert outcome.result["method"] == "rows"
    assert {line["cause"].split()[0] for line in outcome.result["lines"]} == {"join", "filter"}
    assert Decimal(outcome.result["unexplained"]) == 0


def test_a_refusal_is_followed_by_both_numbers_by_key(till: Till) -> None:
    metric(till, "finance.all", "raw.sales", "sale_id", "expr: amount\n")
    metric(till, "finance.top", "raw.sales", "sale_id", "agg: max\nexpr: amount\nfilters: [{name: n, sql: store = 'north'}]\n")
    till.good_run()
    outcome = till.call("why", "finance.all", "finance.top")
    assert outcome.code == 2
    assert outcome.err.startswith("ST458 finance.all and finance.top cannot be compared slot by slot: one is sum, the other max")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert lines[0] == ["not", "by", "cause:", "finance.all", "(A)", "and", "finance.top", "(B)", "by", "sale_id"]
    assert lines[1] == ["only", "in", "A", "1", "5.50"]
    assert lines[2] == ["only", "in", "B", "0", "0"]
    assert lines[4] == ["the", "same", "2", "17.25"]
    assert lines[-1] == ["a2", "A", "5.50", "B", "(none)", "-5.50"]
    (item,) = [
        event for event in till.call("why", "finance.all", "finance.top", "--json").events if event["type"] == "keyed_diff"
    ]
    assert item["additive_by_cause"] is False
    assert item["diff"]["largest"][0] == {"key": ["a2"], "a": "5.50", "b": None, "change": "-5.50"}


def test_without_a_common_key_the_missing_one_is_named(till: Till) -> None:
    metric(till, "finance.all", "raw.sales", "sale_id", "expr: amount\n")
    till.put("metrics/finance/top.yml", "metric: finance.top\nsource: marts.total\nagg: max\nexpr: amount\n")
    till.good_run()
    outcome = till.call("why", "finance.all", "finance.top")
    assert outcome.code == 2
    assert outcome.out.startswith("not compared by key either: marts.total has no column sale_id")


def test_texts_that_take_one_of_the_rows_that_tie_are_refused(till: Till, tmp_path: Path) -> None:
    till.good_run()
    files = []
    for name, least in (("a", 0), ("b", 6)):
        files.append(tmp_path / f"{name}.sql")
        files[-1].write_text(
            "select sum(x) from (select amount as x, row_number() over (partition by store) as n "
            f"from raw.sales where amount > {least}) where n = 1",
            encoding="utf-8",
        )
    outcome = till.call("why", "--sql-a", str(files[0]), "--sql-b", str(files[1]))
    assert outcome.code == 2
    assert (
        "nor can the texts be mixed: the SQL of a cannot be mixed with another: it takes one of the rows that tie" in outcome.err
    )
