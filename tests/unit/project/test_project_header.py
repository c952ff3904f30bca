"""Model files: the header at the top, the SQL below."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.model.model import Check, Model, ModelColumn
from startrail.model.schedule import Schedule
from startrail.project import errors
from startrail.project.header import read_model

PATH = "models/marts/sales.sql"


def read(header: str, path: str = PATH, sql: str = "\nselect 1") -> tuple[Model | None, list[StartrailError]]:
    problems: list[StartrailError] = []
    try:
        return read_model(f"/* startrail\n{header}\n*/{sql}".encode(), path, problems), problems
    except StartrailError as error:
        return None, [*problems, error]


def test_a_full_header_becomes_a_model() -> None:
    model, problems = read(
        """description: One row per day.
owner: finance
kind: partition
partition_by: {column: day, grain: month}
start: "2026-01"
grain: [day, region]
columns:
  revenue: {type: "decimal(18,2)", unit: EUR, description: net}
checks:
  - not_null: [day]
  - unique: [day, region]
    severity: warn
  - accepted_values: {column: status, values: [paid, 1, true]}
  - relationship: {columns: [store], to: marts.stores, to_columns: [id]}
  - row_count: {min: 1, max: 10}
  - freshness: {column: ordered_at, within: 2 days}
  - sql: revenue >= 0
lookback: 3 days
schedule: {cron: "0 6 * * *", timezone: Europe/Madrid}
reads: [raw.orders]"""
    )
    assert problems == []
    at = [Span(PATH, line, 5) for line in (11, 12, 14, 15, 16, 17, 18)]
    assert model == Model(
        "marts.sales",
        "\nselect 1",
        PATH,
        kind="partition",
        description="One row per day.",
        owner="finance",
        partition_by="day",
        partition_grain="month",
        start="2026-01",
        grain=("day", "region"),
        columns={"revenue": ModelColumn("decimal(18,2)", "EUR", "net")},
        checks=(
            Check("not_null", columns=("day",), span=at[0]),
            Check("unique", "warn", columns=("day", "region"), span=at[1]),
            Check("accepted_values", columns=("status",), values=("paid", 1, True), span=at[2]),
            Check("relationship", columns=("store",), to="marts.stores", to_columns=("id",), span=at[3]),
            Check("row_count", minimum=1, maximum=10, span=at[4]),
            Check("freshness", columns=("ordered_at",), within="2 days", span=at[5]),
            Check("sql", sql="revenue >= 0", span=at[6]),
        ),
        lookback="3 days",
        schedule=Schedule("0 6 * * *", "Europe/Madrid"),
        reads=("raw.orders",),
        sql_line=22,
        span=Span(PATH, 2, 1),
    )


def test_a_file_without_header_is_a_table() -> None:
    model = read_model(b"-- plain\nselect 1 /* startrail */", PATH, [])
    assert model == Model("marts.sales", "-- plain\nselect 1 /* startrail */", PATH, span=Span(PATH))


def test_an_empty_header_is_a_table() -> None:
    model = read_model(b"\n  /* startrail */ select 1", PATH, [])
    assert model is not None
    assert (model.kind, model.sql, model.sql_line, model.span) == ("table", " select 1", 2, Span(PATH, 2, 3))


def test_a_relationship_without_columns_there_means_the_same_names() -> None:
    model, _ = read("checks: [{relationship: {columns: [store], to: marts.stores}}]")
    assert model is not None
    assert model.checks[0].to_columns == ("store",)


WRONG = [
    ("kind: partiton", errors.UnknownWord, 2, 7),
    ("kind: merge", errors.NotYet, 2, 7),
    ("kind: python", errors.NotYet, 2, 7),
    ("check: []", errors.UnknownKey, 2, 1),
    ("name: x", errors.UnknownKey, 2, 1),
    ("kind: partition", errors.HeaderContradiction, 2, 7),
    ("partition_by: day", errors.HeaderContradiction, 2, 1),
    ("lookback: 3 days", errors.HeaderContradiction, 2, 1),
    ("kind: partition\npartition_by: day\nstart: 2026-10", errors.BadValue, 4, 8),
    ("lookback: 3 dayz\nkind: partition\npartition_by: d", errors.BadValue, 2, 11),
    ("partition_by: {column: day, grain: year}", errors.UnknownWord, 2, 36),
    ("columns: {a: {type: decimal}}", errors.BadValue, 2, 21),
    ("columns: {a: {typ: int}}", errors.UnknownKey, 2, 15),
    ("reads: [orders]", errors.BadValue, 2, 9),
    ("checks:\n  - unique: id", errors.WrongType, 3, 13),
    ("checks:\n  - uniqe: [id]", errors.UnknownKey, 3, 5),
    ("checks:\n  - severity: warn", errors.BadCheck, 3, 5),
    ("checks:\n  - {}", errors.BadCheck, 3, 5),
    ("checks:\n  - unique: [a]\n    not_null: [b]", errors.BadCheck, 3, 5),
    ("checks:\n  - unique: []", errors.BadCheck, 3, 13),
    ("checks:\n  - sql: ''", errors.BadCheck, 3, 10),
    ("checks:\n  - sql: 1", errors.WrongType, 3, 10),
    ("checks:\n  - accepted_values: {column: a, values: []}", errors.BadCheck, 3, 22),
    ("checks:\n  - accepted_values: {column: a, values: [null]}", errors.WrongType, 3, 43),
    ("checks:\n  - row_count: {}", errors.BadCheck, 3, 16),
    ("checks:\n  - row_count: {min: 3, max: 2}", errors.BadCheck, 3, 16),
    ("checks:\n  - row_count: {min: -1}", errors.BadValue, 3, 22),
    ("checks:\n  - freshness: {column: a, within: soon}", errors.BadValue, 3, 36),
    ("checks:\n  - relationship: {columns: [a], to: stores}", errors.BadValue, 3, 38),
    ("checks:\n  - relationship: {columns: [a, b], to: m.s, to_columns: [a]}", errors.BadCheck, 3, 19),
    ("checks:\n  - unique: [a]\n    severity: fatal", errors.UnknownWord, 4, 15),
]


@pytest.mark.parametrize(("header", "error", "line", "column"), WRONG)
def test_a_mistake_in_a_header_is_named_in_the_files_own_lines(
    header: str, error: type[StartrailError], line: int, column: int
) -> None:
    model, problems = read(header)
    assert model is None
    assert [type(problem) for problem in problems] == [error], problems
    assert problems[0].at == Span(PATH, line, column)
    assert problems[0].hint


def test_a_type_with_a_comma_inside_braces_must_be_quoted_and_is_told_so() -> None:
    _, problems = read("columns: {revenue: {type: decimal(18,2), unit: EUR}}")
    hints = [problem.hint for problem in problems if isinstance(problem, errors.UnknownKey)]
    assert hints == ['inside {} quote a type that holds a comma: "decimal(18,2)"']


def test_a_cron_that_ends_the_comment_is_explained() -> None:
    _, problems = read('schedule: {cron: "*/5 * * * *"}')
    assert isinstance(problems[0], errors.NotYaml)
    assert problems[0].hint == "a header ends at its first */; a cron field */5 is 0-59/5"


def test_a_header_without_end_is_refused() -> None:
    with pytest.raises(errors.HeaderOpen) as caught:
        read_model(b"\n /* startrail\nkind: view\nselect 1", PATH, [])
    assert caught.value.at == Span(PATH, 2, 2)


@pytest.mark.parametrize("text", ["/* startrial\nkind: view */", "/* star_trail */", "/** startrail\nkind: view */"])
def test_a_misspelt_header_is_not_taken_for_a_comment(text: str) -> None:
    with pytest.raises(errors.UnknownWord):
        read_model(text.encode(), PATH, [])


def test_an_ordinary_comment_is_one() -> None:
    assert read_model(b"/* Start of the query */ select 1", PATH, []) is not None


@pytest.mark.parametrize(
    "path", ["models/sales.sql", "models/a/b/c.sql", "models/Marts/sales.sql", "models/marts/sales-daily.sql", "models/1a/b.sql"]
)
def test_a_model_needs_a_namespace_folder_and_a_plain_name(path: str) -> None:
    with pytest.raises(errors.BadName) as caught:
        read_model(b"select 1", path, [])
    assert caught.value.at == Span(path)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("/* startrail\nkind:view[]{},-'\"#\t\x00é"), max_size=80))
def test_no_text_leads_to_anything_but_a_model_or_a_clear_error(text: str) -> None:
    for prefix in ("", "/* startrail\n"):
        problems: list[StartrailError] = []
        try:
            model = read_model((prefix + text).encode(), PATH, problems)
        except StartrailError as error:
            problems.append(error)
        else:
            assert (model is None) == bool(problems)
        assert all(problem.code and problem.at for problem in problems)
