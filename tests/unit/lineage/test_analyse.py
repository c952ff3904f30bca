"""What parsing says about a model, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.errors import StartrailError
from startrail.lineage import errors
from startrail.lineage.analyse import analyse
from startrail.model.analysis import Analysis


def read(sql: str, *, script: bool = False) -> Analysis:
    return analyse(sql, script=script, path="models/x.sql", first_line=1)


# -- fingerprint ---------------------------------------------------------------------------------------

SENTENCE = (
    "select o.day , sum ( o.amount * 2.5 ) as Total , 'It''s X' as note from raw.orders as o "
    "where o.day >= $start and o.day < $end group by o.day"
)
WORDS = SENTENCE.split(" ")
GAPS = st.sampled_from([" ", "\n", "\t", "  \n", " -- note\n", " /* several\nlines */ ", " /* a; b */ "])


@given(
    st.lists(GAPS, min_size=len(WORDS), max_size=len(WORDS)), st.lists(st.booleans(), min_size=len(WORDS), max_size=len(WORDS))
)
def test_formatting_never_changes_the_fingerprint(gaps: list[str], upper: list[bool]) -> None:
    shouted = [
        word.upper() if loud and "'" not in word and word not in ("Total", "note") else word
        for word, loud in zip(WORDS, upper, strict=True)
    ]
    sql = "".join(word + gap for word, gap in zip(shouted, gaps, strict=True))
    # The words of the string literal must keep the one space between them.
    sql = sql.replace("'It''s" + gaps[WORDS.index("'It''s")] + "X'", "'It''s X'")
    assert read(sql).fingerprint == read(" ".join(WORDS)).fingerprint


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.text(alphabet="aB' \n", max_size=5), st.text(alphabet="aB' \n", max_size=5)
)
def test_changing_a_literal_changes_the_fingerprint(number: int, other: int, text: str, other_text: str) -> None:
    def sql(number: int, text: str) -> str:
        return f"select {number} as n, '{text.replace(chr(39), chr(39) * 2)}' as t"

    same = (number, text) == (other, other_text)
    assert (read(sql(number, text)).fingerprint == read(sql(other, other_text)).fingerprint) == same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("select a from raw.t", "SELECT A FROM RAW.T;", True),
        ("select a from raw.t", 'select "a" from "raw"."t"', True),
        ("select a as b from raw.t", "select a as B from raw.t", False),
        ("select 'a' from raw.t", "select 'A' from raw.t", False),
        ("select a from raw.t", "select a from raw.u", False),
        ("select a from raw.t where a > 1", "select a from raw.t where a >= 1", False),
        ("select a, b from raw.t", "select b, a from raw.t", False),
        ("select 1.0 as a", "select 1.00 as a", False),
        ('select "a b" from raw.t', "select a b from raw.t", False),
        ("select 'a' as x", 'select "a" as x', False),
        ("select 1 as a", "select /* x /* nested */ , 2 */ 1 as a", True),
        ("select 1 as a, 2 as b", "select 1 as a -- ends with the line\r, 2 as b", True),
        ("select '--' as a, 1 as b", "select '--' as a, 2 as b", False),
        ("select $$ -- $$ as a, 1 as b", "select $$ -- $$ as a, 2 as b", False),
        ("select e'\\' -- ' as a, 1 as b", "select e'\\' -- ' as a, 2 as b", False),
        ("select {'Key': 1} as x", "select {'key': 1} as x", False),
    ],
)
def test_the_fingerprint_sees_what_the_engine_sees(one: str, other: str, same: bool) -> None:
    assert (read(one).fingerprint == read(other).fingerprint) is same


# -- reads ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("select * from raw.orders", ("raw.orders",)),
        ('select * from RAW."Orders" o join marts.fx using (currency)', ("raw.orders", "marts.fx")),
        ("from raw.orders select id", ("raw.orders",)),
        ("with a as (select * from raw.x), b as (select * from a) select * from b, a", ("raw.x",)),
        ("with recursive a as (select 1 as n union all select n + 1 from a where n < 5) select * from a", ()),
        ("with orders as (select * from raw.orders) select * from orders", ("raw.orders",)),
        ("with a as (select * from a) select * from a", ("a",)),
        ("select * from (with a as (select 1) select * from a), a", ("a",)),
        ("select (select max(id) from raw.b) from raw.a where id in (select id from raw.c)", ("raw.b", "raw.a", "raw.c")),
        ("select 1 union all select id from raw.a except select id from raw.b", ("raw.a", "raw.b")),
        ("select * from orders", ("orders",)),
        ("select * from unnest([1, 2]) t(x), range(3), generate_series(1, 2), (values (1)) v(y)", ()),
        ("pivot raw.a on kind in ('x', 'y') using sum(amount)", ("raw.a",)),
        ("values (1, 2)", ()),
        ("select o.items[1].price, x -> '$.a' from raw.orders o, unnest(o.items) i(item)", ("raw.orders",)),
    ],
)
def test_reads_are_the_tables_that_the_text_does_not_define(sql: str, reads: tuple[str, ...]) -> None:
    assert sorted(read(sql).reads) == sorted(reads)


def test_parameters_are_named_once_and_in_order() -> None:
    assert read("select $end, $start, $end, $env").parameters == ("end", "env", "start")


# -- windows -------------------------------------------------------------------------------------------

W = "{c} >= $start and {c} < $end"


def window(sql: str) -> dict[str, str]:
    return read(sql).windows


@pytest.mark.parametrize(
    "sql",
    [
        "select * from raw.t where d >= $start and d < $end",
        "select * from raw.t where $start <= d and $end > d and x = 1",
        "select * from raw.t where (x or y) and ((d >= $start) and (d < $end))",
        "select * from raw.t o where o.d >= $start and o.d < $end",
        "select * from raw.t where t.d >= $start and D < $end",
        "select * from raw.t t join raw.u u on t.id = u.id where t.d >= $start and t.d < $end",
        "select * from raw.u u left join raw.t t on t.id = u.id and t.d >= $start and t.d < $end",
        "select * from raw.u u left join raw.t t on t.id = u.id where t.d >= $start and t.d < $end",
        "select * from raw.u u join raw.t t on t.id = u.id and t.d >= $start and t.d < $end",
        "with c as (select * from raw.t where d >= $start and d < $end) select count(*) from c group by all",
        "select * from raw.t where d >= $start and d < $end union all select * from raw.t where d < $end and d >= $start",
        "select * from raw.t where d >= cast($start as timestamp) and d < $end::timestamptz",
        "select sum(x) over (order by y) from raw.t where d >= $start and d < $end limit 3",
    ],
)  # fmt: skip
def test_a_window_is_found_when_every_place_confines_the_table(sql: str) -> None:
    assert window(sql).get("raw.t") == "d"
    assert read(sql).day_windows == ()


@pytest.mark.parametrize(
    "sql",
    [
        "select * from raw.t",
        "select * from raw.t where d >= $start",
        "select * from raw.t where d < $end",
        "select * from raw.t where d between $start and $end",
        "select * from raw.t where d >= $start and d <= $end",
        "select * from raw.t where d > $start and d < $end",
        "select * from raw.t where d >= $start and e < $end",
        "select * from raw.t where d >= $end and d < $start",
        "select * from raw.t where d >= $start and d < $end or x = 1",
        "select * from raw.t where not (d >= $start and d < $end)",
        "select * from raw.t where d >= $start - interval 3 day and d < $end",
        "select * from raw.t where date_trunc('day', d) >= $start and date_trunc('day', d) < $end",
        "select * from raw.t where cast(d as varchar) >= $start and cast(d as varchar) < $end",
        "select * from raw.t a join raw.t b on a.id = b.id where a.d >= $start and a.d < $end",
        "select * from raw.t where d >= $start and d < $end union all select * from raw.t",
        "select * from raw.t where d >= $start and d < $end and id in (select id from raw.t)",
        "select * from raw.t, raw.u where d >= $start and d < $end",
        "select * from (select * from raw.t) t where d >= $start and d < $end",
        "select * from raw.t t left join raw.u u on t.id = u.id and t.d >= $start and t.d < $end",
        "select * from raw.u u asof join raw.t t on u.d >= t.d where t.d >= $start and t.d < $end",
        "select * from raw.u positional join raw.t where t.d >= $start and t.d < $end",
        "select * from raw.t tablesample 10% where d >= $start and d < $end",
        "select * from raw.t as t(d, e) where d >= $start and d < $end",
        "select d from raw.t group by d having d >= $start and d < $end",
    ],
)  # fmt: skip
def test_any_doubt_means_no_window(sql: str) -> None:
    assert "raw.t" not in window(sql)


def test_a_cast_to_a_date_confines_by_day_only() -> None:
    found = read("select * from raw.t where d::date >= $start and cast(d as date) < $end")
    assert (found.windows, found.day_windows) == ({"raw.t": "d"}, ("raw.t",))


def test_windows_pass_through_plain_selects_only() -> None:
    assert read("select t.d as day, x + 1 as y, u.z from raw.t t left join raw.u u on t.id = u.id").passes == {
        "day": ("raw.t", "d"),
        "z": ("raw.u", "z"),
    }
    assert read("select D, x from raw.t where x > 1").passes == {"d": ("raw.t", "d"), "x": ("raw.t", "x")}
    for sql in (
        "select d, count(*) from raw.t group by d",
        "select d, row_number() over (order by x) from raw.t",
        "select distinct d from raw.t",
        "select d from raw.t limit 5",
        "select d from raw.t union all select d from raw.t",
        "select d from raw.t where id in (select max(id) from raw.t)",
        "select d from raw.t, raw.u",
        "select d from (select * from raw.t)",
    ):
        assert read(sql).passes == {}, sql


# -- columns -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select a, b + c as d from raw.t where e > 1 order by f", {"raw.t": ("a", "b", "c", "e", "f")}),
        ("select * from raw.t", {"raw.t": ("*",)}),
        ("select count(*) from raw.t", {"raw.t": ()}),
        ("select t.*, u.b from raw.t t, raw.u u", {"raw.t": ("*",), "raw.u": ("b",)}),
        ("select a, u.b from raw.t t join raw.u u on t.id = u.id", {"raw.t": ("a", "id"), "raw.u": ("a", "b", "id")}),
        ("select a from raw.t join raw.u using (id)", {"raw.t": ("a", "id"), "raw.u": ("a", "id")}),
        ("select t from raw.t", {"raw.t": ("*",)}),
        ("select a from raw.t natural join raw.u", {"raw.t": ("*",), "raw.u": ("*",)}),
        ("select columns('x.*') from raw.t", {"raw.t": ("*",)}),
        ("select s.inner, t.s.inner, raw.t.x from raw.t", {"raw.t": ("s", "x")}),
        ("select (select max(u.x) from raw.u u where u.id = t.id) from raw.t t", {"raw.t": ("id",), "raw.u": ("id", "x")}),
    ],
)
def test_used_columns_are_never_too_few(sql: str, columns: dict[str, tuple[str, ...]]) -> None:
    found = read(sql).columns
    for table, wanted in columns.items():
        assert set(wanted) <= set(found[table]), (table, found)
        assert ("*" in found[table]) == ("*" in wanted)


# -- scripts -------------------------------------------------------------------------------------------


def test_a_script_says_what_it_needs_and_leaves() -> None:
    found = read(
        """
        create temp table t as select * from raw.orders;
        create table scratch as select 1;
        create or replace table marts.x as select a from t join raw.people p using (id), scratch;
        insert into marts.log select count(*) from marts.x;
        update marts.state set a = (select max(b) from raw.marks);
        drop table if exists marts.old;
        create table marts.gone as select 1; drop table marts.gone;
        set variable x = 1; begin; commit;
        """,
        script=True,
    )
    assert found.reads == ("raw.orders", "raw.people", "raw.marks")
    assert found.writes == ("marts.x", "marts.log", "marts.state")
    assert found.reads_own == ("marts.log", "marts.state")


def test_a_script_that_reads_a_table_before_it_makes_it_needs_its_rows() -> None:
    found = read("create or replace table marts.x as select * from marts.x where a > 1", script=True)
    assert (found.reads, found.writes, found.reads_own) == ((), ("marts.x",), ("marts.x",))
    kept = read("create table if not exists marts.y (a int); insert into marts.y select 1", script=True)
    assert (kept.writes, kept.reads_own) == (("marts.y",), ("marts.y",))


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "error", "place"),
    [
        ("select a\nfrom raw.t\nwhere (a = 1", errors.SqlSyntax, "7:12"),
        ("select 'a", errors.SqlSyntax, "5:1"),
        ("", errors.SqlSyntax, "5:1"),
        ("-- nothing", errors.SqlSyntax, "5:1"),
        ("select 1\n/* never ends", errors.SqlSyntax, "6:1"),
        ("select 1;\n  select 2", errors.SeveralStatements, "6:3"),
        ("select *\nfrom {{ ref('orders') }}", errors.TemplateInSql, "6:6"),
        ("{% if x %} select 1 {% endif %}", errors.TemplateInSql, "5:1"),
        ("select $begin from raw.t", errors.UnknownParameter, "5:8"),
        ("select ? from raw.t", errors.UnknownParameter, "5:8"),
        ("select $1 from raw.t", errors.UnknownParameter, "5:8"),
        ("select *\n from read_csv('x.csv')", errors.ReadsOutside, "6:7"),
        ("select * from read_parquet(['x'])", errors.ReadsOutside, "5:15"),
        ("select * from glob('*')", errors.ReadsOutside, "5:15"),
        ("select * from read_text('/etc/passwd')", errors.ReadsOutside, "5:15"),
        ("select * from query('select 1')", errors.ReadsOutside, "5:15"),
        ("select * from postgres_scan('a', 'b', 'c')", errors.ReadsOutside, "5:15"),
        ("select * from duckdb_settings()", errors.ReadsOutside, "5:15"),
        ("select * from 'data.csv'", errors.ReadsOutside, "5:15"),
        ("select * from other.raw.orders", errors.ReadsOutside, "5:15"),
        ("select * from raw.orders@failed", errors.ReadsVersion, "5:25"),
        ("select * from raw.orders@123", errors.ReadsVersion, "5:25"),
        ("attach 'x.db'", errors.ForbiddenStatement, "5:1"),
        ("copy raw.t to 'x'", errors.ForbiddenStatement, "5:1"),
        ("install httpfs", errors.ForbiddenStatement, "5:1"),
        ("load httpfs", errors.ForbiddenStatement, "5:1"),
        ("pragma version", errors.ForbiddenStatement, "5:1"),
        ("set threads = 1", errors.ForbiddenStatement, "5:1"),
        ("call f()", errors.ForbiddenStatement, "5:1"),
        ("create table x.y as select 1", errors.ForbiddenStatement, "5:1"),
        ("insert into x.y select 1", errors.ForbiddenStatement, "5:1"),
        ("with a as (insert into x.y select 1 returning *) select * from a", errors.ForbiddenStatement, "5:1"),
    ],
)
def test_what_a_model_must_not_say_is_refused_at_its_place(sql: str, error: type[StartrailError], place: str) -> None:
    with pytest.raises(error) as caught:
        analyse(sql, path="models/x.sql", first_line=5)
    assert str(caught.value.at) == f"models/x.sql:{place}"
    assert caught.value.hint


@pytest.mark.parametrize(
    "sql",
    [
        "copy t to 'x'", "attach 'x'", "install x", "load x", "set threads = 1", "pragma x", "export database 'x'",
        "create secret x (type s3)",
    ],
)  # fmt: skip
def test_what_a_script_must_not_do_is_refused_at_its_place(sql: str) -> None:
    with pytest.raises((errors.ForbiddenStatement, errors.SqlSyntax)) as caught:
        analyse(f"create table a.b as select 1;\n{sql}", script=True, path="s.sql", first_line=1)
    assert caught.value.at is not None
    assert caught.value.at.line == 2


SOUP = "select from where ( ) , * a raw.t as join on with union all 1 'x' $start = ; group by over [ ] { }"


@given(st.text(max_size=60) | st.lists(st.sampled_from(SOUP.split())).map(" ".join))
def test_any_text_is_analysed_or_refused_in_our_words(text: str) -> None:
    for script in (False, True):
        with suppress(StartrailError):
            assert isinstance(read(text, script=script), Analysis)


def test_importing_the_door_loads_no_parser() -> None:
    code = "import sys, startrail.lineage.analyse, startrail.lineage.graph; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
