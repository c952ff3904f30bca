"""``startrail lineage`` as it is typed: on files in any dialect, on a project, and on bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from startrail import examples
from startrail.cli.app import app


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Run a command; gives exit code, standard output and standard error."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["startrail", *map(str, words)])
        code = app()
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


def write(folder: Path, sql: str | bytes, name: str = "query.sql") -> Path:
    path = folder / name
    path.write_bytes(sql if isinstance(sql, bytes) else sql.encode())
    return path


def edge(target: tuple[str | None, str], source: tuple[str, str], kind: str, subtype: str) -> dict[str, Any]:
    return {
        "target": {"table": target[0], "column": target[1]},
        "source": {"table": source[0], "column": source[1]},
        "kind": kind,
        "subtype": subtype,
    }


def test_a_file_is_answered_in_one_document(tmp_path: Path, typed: Any) -> None:
    path = write(tmp_path, "insert into shop.daily (total) select sum(amount) from shop.orders where status = 'paid'")
    code, out, _ = typed("lineage", "--sql", path, "--dialect", "snowflake", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer == {
        "edges": [
            edge(("shop.daily", "total"), ("shop.orders", "amount"), "direct", "aggregation"),
            edge(("shop.daily", "total"), ("shop.orders", "status"), "indirect", "filter"),
        ],
        "not_analysed": [],
    }


def test_the_result_of_a_query_has_no_table(tmp_path: Path, typed: Any) -> None:
    schema = write(tmp_path, '{"t": {"a": "int", "b": "int"}}', "schema.json")
    _, out, _ = typed("lineage", "--sql", write(tmp_path, "select *, a+b from t"), "--schema", schema, "--json")
    assert json.loads(out)["edges"] == [
        edge((None, "a"), ("t", "a"), "direct", "identity"),
        edge((None, "b"), ("t", "b"), "direct", "identity"),
        edge((None, "a+b"), ("t", "a"), "direct", "transformation"),
        edge((None, "a+b"), ("t", "b"), "direct", "transformation"),
    ]


def test_what_is_not_analysed_is_told_with_its_place(tmp_path: Path, typed: Any) -> None:
    path = write(tmp_path, "call p(1);\nselect (a from t;\nselect a from t")
    code, out, err = typed("lineage", "--sql", path, "--dialect", "postgres")
    assert (code, out) == (0, "a <- t.a  identity\n")
    assert "query.sql:1:1 statement 1: a call of a procedure" in err
    assert "query.sql:2:11 statement 2: it cannot be parsed" in err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ST429"),
        (b"  \n\t", "ST429"),
        (b"-- nothing\n;;", "ST429"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "ST429"),
        (b"select a\x00 from t", "ST429"),
    ],
)
def test_what_is_no_sql_is_refused(content: bytes, code: str, tmp_path: Path, typed: Any) -> None:
    exit_code, out, err = typed("lineage", "--sql", write(tmp_path, content))
    assert exit_code == 2
    assert not out
    assert err.startswith(code)


def test_a_missing_file_is_refused(tmp_path: Path, typed: Any) -> None:
    code, _, err = typed("lineage", "--sql", tmp_path / "no.sql")
    assert code == 2
    assert "no such file" in err


def test_an_unknown_dialect_names_the_nearest(tmp_path: Path, typed: Any) -> None:
    code, _, err = typed("lineage", "--sql", write(tmp_path, "select 1"), "--dialect", "postgress")
    assert code == 2
    assert "ST428" in err
    assert "did you mean 'postgres'?" in err


@pytest.mark.parametrize("content", ["", "[1]", '{"t": ["a"]}', '{"t": {"a": 1}}', "{" * 100_000])
def test_a_schema_of_another_form_is_refused(content: str, tmp_path: Path, typed: Any) -> None:
    schema = write(tmp_path, content, "schema.json")
    code, _, err = typed("lineage", "--sql", write(tmp_path, "select 1"), "--schema", schema)
    assert code == 2
    assert "ST433" in err


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 10_000 + "a" + ")" * 10_000 + " from t",
        "select * from " + "(select * from " * 10_000 + "t" + ")" * 10_000,
        "select " + "f(" * 10_000 + "a" + ")" * 10_000 + " from t",
    ],
    ids=["parentheses", "subqueries", "calls"],
)
def test_ten_thousand_levels_are_too_deep_and_the_rest_is_analysed(sql: str, tmp_path: Path, typed: Any) -> None:
    code, out, err = typed("lineage", "--sql", write(tmp_path, f"{sql};\nselect b from t"))
    assert (code, out) == (0, "b <- t.b  identity\n")
    assert "nested too deeply" in err


@pytest.mark.parametrize(
    "sql",
    [
        "select " + " + ".join(["a"] * 5000) + " from t",
        "select a from t where " + " and ".join(["a = 1"] * 5000),
        " union all ".join(["select a from t"] * 2000),
    ],
    ids=["terms", "conditions", "unions"],
)
def test_long_is_not_deep(sql: str, tmp_path: Path, typed: Any) -> None:
    code, out, err = typed("lineage", "--sql", write(tmp_path, sql), "--json")
    assert (code, err) == (0, "")
    assert {item["source"]["column"] for item in json.loads(out)["edges"]} == {"a"}


def test_a_script_of_five_megabytes_is_read(tmp_path: Path, typed: Any) -> None:
    rows = ",\n".join(f"({number}, 'some text that stands in a dump of a table, as dumps are')" for number in range(75_000))
    path = write(tmp_path, f"insert into t (id, v) values {rows};\ncreate table n as select id from t;")
    assert path.stat().st_size > 5_000_000
    code, out, err = typed("lineage", "--sql", path, "--dialect", "mysql")
    assert (code, out, err) == (0, "n.id <- t.id  identity\n", "")


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, typed: Any) -> None:
    assert typed("lineage")[0] == 2
    assert typed("lineage", "a.b", "--sql", write(tmp_path, "select 1"))[0] == 2


# -- the project -------------------------------------------------------------------------------------------
@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    examples.write("shop", folder, days=1)
    return folder


def events(text: str, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, text.splitlines()) if line["type"] == kind]


def test_a_column_of_a_report_goes_back_to_the_fields_of_its_sources(shop: Path, typed: Any) -> None:
    code, out, _ = typed("lineage", "report:daily_sales.revenue_eur", "--up", "--direct", "-C", shop)
    assert code == 0
    assert out.splitlines()[0] == "report:daily_sales.revenue_eur comes from  (reports/daily_sales.yml)"
    steps = (
        "marts.sales_daily.revenue_eur  identity", "marts.sales.revenue_eur  aggregation", "staging.orders.amount  transf",
        "raw.orders.amount  identity", "source:orders_api.amount  identity", "raw.fx_rates.eur_per_unit",
    )  # fmt: skip
    for step in steps:
        assert step in out
    assert "filter" not in out.replace("identity, filter", "")


def test_a_field_of_a_source_feeds_a_report(shop: Path, typed: Any) -> None:
    _, out, _ = typed("lineage", "orders_api.amount", "--down", "--json", "-C", shop)
    found = events(out, "edge")
    assert {"table": "report:daily_sales", "column": "revenue_eur"} in [item["target"] for item in found]
    assert found[0]["hops"] == 1
    assert found[0]["target"] == {"table": "raw.orders", "column": "amount"}


def test_both_directions_tell_the_same_edges(shop: Path, typed: Any) -> None:
    _, out, _ = typed("lineage", "daily_sales", "--up", "--hops", "9", "--json", "-C", shop)
    up = {(str(e["source"]), str(e["target"]), e["subtype"]) for e in events(out, "edge")}
    down: set[tuple[str, str, str]] = set()
    for source in ("orders_api", "store_sales", "fx_rates"):
        _, out, _ = typed("lineage", f"source:{source}", "--down", "--hops", "9", "--json", "-C", shop)
        down |= {(str(e["source"]), str(e["target"]), e["subtype"]) for e in events(out, "edge")}
    assert {item for item in up if "source:" in item[0]} <= down


def test_hops_bound_the_walk(shop: Path, typed: Any) -> None:
    _, out, _ = typed("lineage", "marts.sales_daily.revenue_eur", "--up", "--hops", "1", "--json", "-C", shop)
    assert {item["target"]["table"] for item in events(out, "edge")} == {"marts.sales_daily"}


def test_it_is_found_in_any_letter_case_and_near_misses_are_named(shop: Path, typed: Any) -> None:
    assert typed("lineage", "MARTS.Sales_Daily.REVENUE_EUR", "--up", "-C", shop)[0] == 0
    code, _, err = typed("lineage", "marts.sales_dayly", "-C", shop)
    assert (code, "did you mean 'marts.sales_daily'?" in err) == (2, True)
    code, _, err = typed("lineage", "marts.sales_daily.revenu_eur", "-C", shop)
    assert (code, "did you mean 'revenue_eur'?" in err) == (2, True)


def test_mermaid_draws_tables_with_their_columns(shop: Path, typed: Any) -> None:
    _, out, _ = typed("lineage", "marts.sales_daily.orders", "--up", "--hops", "1", "--mermaid", "-C", shop)
    lines = out.splitlines()
    assert lines[0] == "flowchart LR"
    assert any('["marts.sales_daily"]' in line for line in lines)
    assert any("-.->|" in line and "group_by" in line for line in lines)


def test_openlineage_has_the_facet_of_each_table(shop: Path, typed: Any) -> None:
    _, out, _ = typed("lineage", "marts.sales_daily", "--openlineage", "-C", shop)
    (dataset,) = json.loads(out)
    facet = dataset["facets"]["columnLineage"]
    assert (dataset["namespace"], dataset["name"]) == ("startrail://shop", "marts.sales_daily")
    (source,) = facet["fields"]["revenue_eur"]["inputFields"]
    assert (source["name"], source["field"]) == ("marts.sales", "revenue_eur")
    assert source["transformations"][0]["subtype"] == "AGGREGATION"
    assert {"GROUP_BY"} <= {each["subtype"] for item in facet["dataset"] for each in item["transformations"]}


def test_an_edited_model_is_traced_anew(shop: Path, typed: Any) -> None:
    typed("lineage", "daily_sales", "-C", shop)
    model = shop / "models/marts/sales_daily.sql"
    model.write_text(model.read_text().replace("sum(units)", "max(units)") + "\n", encoding="utf-8")
    extra = shop / "models/marts/extra.sql"
    extra.write_text("/* startrail\nkind: view\n*/\nselect revenue_eur * 2 as twice from marts.sales_daily\n", encoding="utf-8")
    _, out, _ = typed("lineage", "marts.extra.twice", "--up", "--hops", "1", "-C", shop)
    assert "marts.sales_daily.revenue_eur  transformation" in out


def test_a_script_fills_tables_and_its_procedures_are_not_analysed(shop: Path, typed: Any) -> None:
    script = shop / "models/marts/job.sql"
    script.write_text(
        "/* startrail\nkind: script\n*/\n"
        "create temp table big as select store, revenue_eur from marts.sales_daily where units > 1;\n"
        "create table marts.stores as select store, sum(revenue_eur) as revenue from big group by store;\n",
        encoding="utf-8",
    )
    _, out, _ = typed("lineage", "marts.stores.revenue", "--up", "--hops", "1", "-C", shop)
    assert "marts.sales_daily.revenue_eur  aggregation" in out
    assert "marts.sales_daily.units  filter" in out
    assert "big" not in out


def test_models_in_a_circle_are_told(shop: Path, typed: Any) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (shop / f"models/marts/{name}.sql").write_text(f"select x from marts.{other}\n", encoding="utf-8")
    code, _, err = typed("lineage", "marts.a", "-C", shop)
    assert code == 2
    assert "in a circle" in err


def test_the_second_question_loads_no_parser(shop: Path, typed: Any) -> None:
    import subprocess
    import sys

    typed("lineage", "daily_sales", "-C", shop)
    code = (
        f"import sys; sys.argv[1:] = ['lineage', 'daily_sales', '-C', {str(shop)!r}]; from startrail.cli.app import app; app();"
        "print({'sqlglot', 'duckdb', 'pyarrow', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
