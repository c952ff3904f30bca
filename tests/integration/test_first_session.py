"""A person's first session, through the real command line: the shop example from init to time travel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures.till import Outcome, Till, call

from startrail import examples

FIRST = "2026-10-03T08:00+02:00"
SECOND = "2026-10-03T08:20+02:00"
THIRD = "2026-10-03T08:40+02:00"
DAYS = ("2026-10-01", "2026-10-02")
EVERYTHING = [
    "marts.product_sales all",
    *(f"{model} {day}" for model in ("marts.sales", "marts.sales_daily") for day in DAYS),
    "marts.store_ranking all",
    *(f"{model} {day}" for model in ("staging.orders", "staging.store_sales") for day in DAYS),
]
HEAVY = ("duckdb", "pyarrow", "pyiceberg", "sqlglot", "yaml", "rich", "urllib3", "obstore")


@pytest.fixture
def shop(tmp_path: Path) -> Till:
    """The example as ``init`` writes it, with two days of data, and its first run done."""
    shop = Till(tmp_path / "shop")
    assert call("init", "--example", "shop", str(shop.root)).code == 0
    assert good(shop, FIRST).built() == EVERYTHING
    return shop


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """The same, only to be read."""
    shop = Till(tmp_path_factory.mktemp("done") / "shop")
    assert call("init", "--example", "shop", str(shop.root)).code == 0
    good(shop, FIRST)
    return shop


def good(shop: Till, now: str, *more: str) -> Outcome:
    return shop.good_run(*more, now=now)


def revenue(shop: Till, table: str = "marts.sales_daily") -> str:
    [row] = shop.rows(f"select cast(sum(revenue_eur) as varchar) as eur from {table}")
    return row["eur"]


def delivered(outcome: Outcome) -> list[str]:
    return sorted(event["report"] for event in outcome.of("delivered"))


def days(*names: str) -> list[str]:
    """What a change in the raw data of these days rebuilds, when it comes from the shops."""
    made = [f"{model} {day}" for model in ("marts.sales", "marts.sales_daily", "staging.store_sales") for day in names]
    return sorted([*made, "marts.product_sales all"])


def test_init_and_run_end_with_the_reports_and_the_right_numbers(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    made = call("init", "--example", "shop", str(root))
    assert made.code == 0
    assert f"cd {root} && startrail run" in made.err
    shop = Till(root)
    outcome = good(shop, FIRST)
    assert delivered(outcome) == ["daily_sales", "product_sales"]
    assert all(event["minutes_early"] > 0 for event in outcome.of("delivered"))
    [published] = outcome.of("published")
    assert len(published["tables"]) == 9
    truth = examples.truth(root)
    assert outcome.result["counts"]["rows_in"] == sum(count.rows_in for count in truth.counts.values())
    assert revenue(shop) == str(truth.revenue_eur)
    assert (root / "delivered/daily_sales_2026-10-03.html").read_text(encoding="utf-8").startswith("<!")


def test_a_second_run_does_nothing_says_so_and_imports_no_engine(shop: Till) -> None:
    assert "nothing to do: everything is up to date" in shop.run(now=SECOND).err
    for command in (["run", "--now", THIRD], ["plan", "--now", THIRD], ["status"]):
        outcome, loaded = modules_of([*command, "-C", str(shop.root), "--json"])
        assert outcome.code == 0, outcome.text
        assert outcome.built() == []
        assert loaded.isdisjoint(HEAVY), command
    assert shop.good_run(now=THIRD).result["steps"] == 0


def modules_of(arguments: list[str]) -> tuple[Outcome, set[str]]:
    """A command in a process of its own, and the packages that it loaded."""
    script = (
        "import json, sys\n"
        "from startrail.cli.app import app\n"
        "code = app()\n"
        "print(json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    return Outcome(code, done.stdout, ""), set(loaded)


def test_a_plan_after_a_run_has_nothing_to_do(done: Till) -> None:
    plan = done.call("plan", "--now", SECOND, "--check")
    assert plan.code == 0
    assert "Nothing to do" in plan.text
    assert done.call("plan", "--now", SECOND, "--json").result["steps"] == 0


def test_editing_one_model_rebuilds_it_and_what_is_made_from_it(shop: Till) -> None:
    shop.edit("models/marts/sales.sql", "left join rates", "inner join rates")
    plan = shop.call("plan", "--now", SECOND, "--check", "--json")
    assert plan.code == 1
    assert {(line["subject"], line["why"]) for line in plan.of("planned")} == {
        ("marts.sales", "changed"),
        ("marts.product_sales", "stale"),
        ("marts.sales_daily", "stale"),
    }
    outcome = good(shop, SECOND)
    assert outcome.built() == [name for name in EVERYTHING if not name.startswith(("staging", "marts.store_ranking"))]
    assert delivered(outcome) == ["daily_sales", "product_sales"]
    assert good(shop, THIRD).built() == []


def test_editing_a_model_that_only_a_view_reads_rebuilds_it_alone(shop: Till) -> None:
    shop.edit("models/marts/sales_daily.sql", "count(*) filter", "count(s.sale_id) filter")
    outcome = good(shop, SECOND)
    assert outcome.built() == [f"marts.sales_daily {day}" for day in DAYS]
    assert delivered(outcome) == ["daily_sales"]


def test_editing_comments_and_layout_rebuilds_nothing(shop: Till) -> None:
    shop.edit("models/marts/sales.sql", "left join rates on", "-- every line keeps its place\nLEFT   JOIN rates\n  ON")
    shop.edit("models/marts/product_sales.sql", "select\n    s.sku,", "SELECT s.sku /* the article */,")
    shop.edit("models/staging/orders.sql", "description: Orders of the web shop", "description: All orders of the web shop")
    assert shop.call("plan", "--now", SECOND, "--check").code == 0
    assert good(shop, SECOND).built() == []


def test_a_new_day_builds_its_own_partitions_alone(shop: Till) -> None:
    examples.upstream_day(shop.root, 3)
    outcome = good(shop, SECOND)
    assert outcome.built() == sorted([*days("2026-10-03"), "staging.orders 2026-10-03"])
    assert revenue(shop) == str(examples.truth(shop.root).revenue_eur)


def late_sale(shop: Till, name: str, day: str) -> None:
    """One more receipt of an earlier day."""
    [head, line, *_] = (shop.root / f"upstream/ftp/sales_{day}_madrid-centro.csv").read_text(encoding="utf-8").splitlines()
    cells = line.split(",")
    cells[0] = f"{cells[0][:-4]}9999"
    (shop.root / f"upstream/ftp/sales_{name}.csv").write_text(f"{head}\n{','.join(cells)}\n", encoding="utf-8")


def test_late_data_reopens_exactly_its_day(shop: Till) -> None:
    late_sale(shop, "late", "2026-10-01")
    before = shop.rows("select * from marts.sales_daily where sold_on = '2026-10-02' order by store")
    assert good(shop, SECOND).built() == days("2026-10-01")
    assert shop.rows("select * from marts.sales_daily where sold_on = '2026-10-02' order by store") == before
    assert shop.rows("select count(*) as n from marts.sales where sale_id like '%-9999'") == [{"n": 1}]


def test_what_is_older_than_the_lookback_waits_for_a_backfill(shop: Till) -> None:
    shop.edit("models/marts/sales_daily.sql", "kind: partition", "kind: partition\nlookback: 1 day")
    assert good(shop, SECOND).built() == []
    examples.upstream_day(shop.root, 3)
    late_sale(shop, "late", "2026-10-01")
    outcome = good(shop, SECOND)
    assert "marts.sales 2026-10-01" in outcome.built()
    assert "marts.sales_daily 2026-10-01" not in outcome.built()
    assert "marts.sales_daily 2026-10-03" in outcome.built()
    [later] = [line for line in shop.call("plan", "--now", THIRD, "--json").of("planned") if line["later"]]
    assert (later["subject"], later["partitions"]) == ("marts.sales_daily", ["2026-10-01"])
    total = revenue(shop)
    asked = ("backfill", "marts.sales_daily", "--from", "2026-10-01", "--to", "2026-10-02", "--now", THIRD)
    said = shop.call(*asked)
    assert said.code == 0
    assert "from 2026-10-01 to 2026-10-01" in said.out
    assert "add --yes" in said.err
    assert revenue(shop) == total
    done = shop.call(*asked, "--yes", "--json")
    assert done.code == 0, done.text
    assert done.built() == ["marts.sales_daily 2026-10-01"]
    assert revenue(shop) == revenue(shop, "marts.sales") != total


def test_the_unit_tests_of_the_models_pass_and_a_wrong_model_fails_them(shop: Till) -> None:
    outcome = shop.call("test", "--json")
    assert (outcome.code, outcome.result["failed"]) == (0, 0)
    assert outcome.result["tests"] == 1
    shop.edit("models/marts/sales_daily.sql", "where s.kind = 'sale'), 0)", "where s.kind = 'refund'), 0)")
    failed = shop.call("test")
    assert failed.code == 1
    assert "0 of 1 tests passed" in failed.err


def test_status_names_reports_sources_and_the_last_run(done: Till) -> None:
    status = done.call("status")
    assert status.code == 0
    for word in ("last run", "done", "daily_sales", "minutes before its deadline", "orders_api", "store_sales", "0 waiting"):
        assert word in status.out
    assert done.call("status", "--json").result["healthy"] is True


def test_a_table_can_be_asked_as_it_was(shop: Till) -> None:
    before = revenue(shop)
    hint = shop.call("query", "select * from marts.sales_daily@1").err
    snapshot = hint.rpartition("@")[2].strip()
    examples.upstream_day(shop.root, 3)
    good(shop, SECOND)
    assert revenue(shop) != before
    assert revenue(shop, f"marts.sales_daily@{snapshot}") == before
    both = "select (select count(*) from marts.sales_daily) - (select count(*) from marts.sales_daily@" + snapshot + ") as n"
    assert shop.rows(both) == [{"n": 5}]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_query_shows_its_rows_in_the_form_asked_for(done: Till, form: str) -> None:
    outcome = done.call("query", "select store from marts.store_ranking order by revenue_eur desc limit 1", "--format", form)
    assert outcome.code == 0
    best = done.rows("select store from marts.store_ranking order by revenue_eur desc")[0]["store"]
    assert best in outcome.out


def test_a_selection_does_only_its_part(shop: Till) -> None:
    examples.upstream_day(shop.root, 3)
    assert good(shop, SECOND, "--select", "store_sales").built() == []
    assert good(shop, SECOND, "--select", "staging.store_sales").built() == ["staging.store_sales 2026-10-03"]
    assert delivered(good(shop, SECOND)) == ["daily_sales", "product_sales"]
    assert revenue(shop) == str(examples.truth(shop.root).revenue_eur)


def test_the_ledger_holds_and_says_what_happened(done: Till) -> None:
    assert "the chain holds" in done.call("ledger", "verify").err
    landed = done.call("ledger", "facts", "--kind", "delivery.landed", "--limit", "100").out.splitlines()
    assert len(landed) == 16


def test_schemas_are_printed_for_editors(tmp_path: Path) -> None:
    found = json.loads(call("schema").out)
    assert {"source", "model", "report"} <= set(found)
    assert json.loads(call("schema", "source").out)["$schema"].startswith("https://json-schema.org/")
    assert call("schema", "--out", str(tmp_path / "schemas")).code == 0
    assert {path.name.partition(".")[0] for path in (tmp_path / "schemas").iterdir()} == set(found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(shell: str) -> None:
    script = call("completion", shell)
    assert script.code == 0
    assert "_STARTRAIL_COMPLETE" in script.out
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script.out, text=True, check=False).returncode == 0


def test_an_empty_project_can_be_run_at_once(tmp_path: Path) -> None:
    assert call("init", str(tmp_path / "mine")).code == 0
    mine = Till(tmp_path / "mine")
    assert "nothing to do" in mine.run(now=FIRST).err
    assert "No run yet" not in mine.call("status").text
    assert mine.call("plan", "--now", SECOND).code == 0
    assert mine.call("test").code == 0


def test_the_other_example_can_be_planned_at_once(tmp_path: Path) -> None:
    assert call("init", "--example", "commits", str(tmp_path / "commits")).code == 0
    assert Till(tmp_path / "commits").call("plan", "--now", FIRST).code == 0
