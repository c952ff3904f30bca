"""How a gap is closed: a section for a report without a number typed by hand, and a patch proven before it is shown."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.till import Till, assert_refused

TAKINGS = """\
    # What the tills took.
    metric: finance.takings
    description: What the tills took.   # said at the till
    status: standard
    source: raw.sales
    grain: sale_id
    expr: amount
    agg_time_dimension: {column: day}
    filters:
      - {name: north, sql: "store = 'north'"}
    dimensions: [store]
    unit: EUR
    """
SALES = """\
    # Marketing's own.
    metric: marketing.sales
    owner: marketing@example.com   # ask them
    source: raw.sales
    grain: sale_id
    expr: amount * 2
    agg_time_dimension: {column: day, bounds: "[]"}
    filters:
      - name: north
        sql: "store in ('north', 'south')"   # both
      - {name: big, sql: amount > 6}
    dimensions: [store]
    unit: EUR
    """
PERIOD = ("--period", "2026-10-01..2026-10-02")
BOTH = ("finance.takings", "marketing.sales")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Till:
    made = Till.write(tmp_path_factory.mktemp("closing") / "till")
    made.good_run()
    return made


@pytest.fixture
def till(published: Till) -> Iterator[Till]:
    """Definitions are changed, rows are not."""
    published.put("metrics/finance/takings.yml", TAKINGS)
    published.put("metrics/marketing/sales.yml", SALES)
    yield published
    for folder in ("metrics", ".git"):
        shutil.rmtree(published.root / folder, ignore_errors=True)


def applied(till: Till, patch: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=till.root, check=True)
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=till.root, check=True)
    subprocess.run(["git", "apply", str(patch)], cwd=till.root, check=True)


def test_a_patch_takes_over_what_differs_and_leaves_the_rest_as_it_was_written(till: Till, tmp_path: Path) -> None:
    file = tmp_path / "one.patch"
    outcome = till.call("why", *BOTH, *PERIOD, "--patch", str(file))
    assert outcome.code == 0, outcome.text
    assert "unexplained 0.00" in outcome.out
    assert "marketing.sales takes over expr, agg_time_dimension, filters of finance.takings, the standard" in outcome.err
    assert f"Next: git apply {file}" in outcome.err
    before = till.read("metrics/finance/takings.yml")
    applied(till, file)
    assert till.read("metrics/finance/takings.yml") == before, "it is the standard already"
    assert till.read("metrics/marketing/sales.yml") == (
        "# Marketing's own.\n"
        "metric: marketing.sales\n"
        "owner: marketing@example.com   # ask them\n"
        "source: raw.sales\n"
        "grain: sale_id\n"
        "expr: amount\n"
        "agg_time_dimension: {column: day}\n"
        "filters:\n"
        "  - {name: north, sql: \"store = 'north'\"}\n"
        "dimensions: [store]\n"
        "unit: EUR\n"
    )
    after = till.call("why", *BOTH, *PERIOD, "--json").result
    assert (after["gap"], after["lines"], after["without_effect"]) == ("0.00", [], [])


def test_the_patch_alone_is_on_the_standard_output_when_no_file_is_named(till: Till) -> None:
    outcome = till.call("why", *BOTH, *PERIOD, "--patch")
    assert outcome.out.startswith("diff --git a/metrics/marketing/sales.yml b/metrics/marketing/sales.yml\n")
    assert "unexplained" not in outcome.out
    result = till.call("why", *BOTH, *PERIOD, "--patch", "--json").result
    assert result["patch"]["diff"] == outcome.out
    assert (result["patch"]["standard"], result["patch"]["slots"]) == (
        "finance.takings",
        ["expr", "agg_time_dimension", "filters"],
    )


def test_without_a_standard_the_first_becomes_it(till: Till, tmp_path: Path) -> None:
    till.edit("metrics/finance/takings.yml", "status: standard\n", "")
    file = tmp_path / "one.patch"
    assert till.call("why", "marketing.sales", "finance.takings", *PERIOD, "--patch", str(file)).code == 0
    applied(till, file)
    assert "status: standard\n" in till.read("metrics/marketing/sales.yml")
    assert 'expr: "amount * 2"\n' in till.read("metrics/finance/takings.yml")
    assert till.call("why", *BOTH, *PERIOD, "--json").result["lines"] == []


def test_what_only_one_side_says_is_added_or_taken_out(till: Till, tmp_path: Path) -> None:
    till.put(
        "metrics/marketing/sales.yml",
        "metric: marketing.sales\nsource: raw.sales\nagg: count\njoins:\n"
        "  - {to: raw.rates, on: sales.day = rates.day}\nagg_time_dimension: {column: day}\n",
    )
    till.put("metrics/marketing/plain.yml", "metric: marketing.plain\nsql: select sum(s.amount) from raw.sales as s\n")
    file = tmp_path / "one.patch"
    assert_refused(till.call("why", *BOTH, *PERIOD, "--patch"), "ST458")  # a sum and a count have no gap to explain
    assert till.call("why", "finance.takings", "marketing.plain", "--patch", str(file)).code == 0
    applied(till, file)
    text = till.read("metrics/marketing/plain.yml")
    assert "sql: select" not in text
    assert "\nexpr: amount\n" in text
    assert "status" not in text
    assert till.call("why", "finance.takings", "marketing.plain", "--json").result["lines"] == []


def test_a_patch_is_refused_where_there_is_nothing_to_take_over(till: Till, tmp_path: Path) -> None:
    assert_refused(till.call("why", "finance.takings", "--at", "1", "--vs", "2", "--patch"), "ST466")
    sql = tmp_path / "one.sql"
    sql.write_text("select sum(amount) from raw.sales", encoding="utf-8")
    assert_refused(till.call("why", "finance.takings", "--sql-b", str(sql), "--patch"), "ST466")
    till.put("metrics/marketing/same.yml", TAKINGS.replace("finance.takings", "marketing.same"))
    assert_refused(till.call("why", "finance.takings", "marketing.same", "--patch"), "ST466", says="the same already")
    till.edit("metrics/marketing/sales.yml", "filters:\n", "filters: # {name: x}\n")
    assert till.call("why", *BOTH, *PERIOD, "--patch").code == 0
    till.put("metrics/marketing/sales.yml", '{"metric": "marketing.sales", "source": "raw.sales", "expr": "amount * 2"}')
    outcome = till.call("why", *BOTH, "--patch")
    assert outcome.code == 0, outcome.text
    assert '+{"metric": "marketing.sales", "source": "raw.sales", "expr": "amount", ' in outcome.out


def test_a_patch_that_leaves_a_gap_is_not_shown(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    from startrail.wiring import standard

    monkeypatch.setattr(standard, "SLOTS", ("expr", "filters"))
    outcome = till.call("why", *BOTH, *PERIOD, "--patch")
    assert_refused(outcome, "ST467", says="would still differ")
    assert "diff --git" not in outcome.out


NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?")


def test_a_section_for_a_report_holds_no_number_but_those_of_the_answer(till: Till, tmp_path: Path) -> None:
    outcome = till.call("why", *BOTH, *PERIOD, "--verify", "--star", "-")
    assert outcome.code == 0, outcome.text
    text = outcome.out
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == ["## Why `marketing.sales` is not `finance.takings`", "### Situation", "### Task", "### Action", "### Result"]
    assert (
        "`finance.takings` says 17.25 EUR for 2026-10-01..2026-10-02, `marketing.sales` says 34.50 EUR: a gap of +17.25 EUR."
        in text
    )
    assert "| unexplained | | | 0.00 | | | | |" in text
    result = till.call("why", *BOTH, *PERIOD, "--verify", "--json").result
    known = {number.lstrip("+-") for number in NUMBER.findall(str(result))}
    shares = {f"{line['share']:.1%}".rstrip("%").lstrip("-") for line in result["lines"]}
    for version in result["definitions"]:
        text = text.replace(version[:12], "")
    for number in NUMBER.findall(text):
        assert number.replace(",", "").lstrip("+-") in known | shares, number
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert [line.split(" | ")[3] for line in lines[:-1]] == [f"{float(line['amount']):+.2f}" for line in result["lines"]]


def test_a_section_names_the_patch_and_goes_to_a_file(till: Till, tmp_path: Path) -> None:
    star, patch = tmp_path / "star.md", tmp_path / "one.patch"
    outcome = till.call("why", *BOTH, *PERIOD, "--star", str(star), "--patch", str(patch))
    assert outcome.code == 0, outcome.text
    assert "unexplained 0.00" in outcome.out
    assert "Proposed: a patch by which `marketing.sales` takes over the definition of `finance.takings`" in star.read_text()
    assert patch.read_text().startswith("diff --git")
    assert_refused(till.call("why", *BOTH, "--star", "-", "--patch", "-"), "ST800", says="cannot both")
    assert_refused(till.call("why", *BOTH, "--star", str(tmp_path / "no" / "star.md")), "ST803")


def test_words_of_definitions_are_no_markdown(till: Till) -> None:
    till.edit("metrics/marketing/sales.yml", "amount * 2", "amount * 2 -- | `x` <script>")
    till.edit("metrics/marketing/sales.yml", "unit: EUR", 'unit: "<b>|"')
    till.edit("metrics/finance/takings.yml", "unit: EUR", 'unit: "<b>|"')
    text = till.call("why", *BOTH, *PERIOD, "--star", "-").out
    assert "<b>" not in text.replace("\\<b\\>", "")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
