"""Nodes to Structs: each mistake is one error, at the key or value that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base.errors import StartrailError
from startrail.model.profile import PostgresLedger, Profile
from startrail.model.schedule import Deadline
from startrail.model.source import Dialect, FtpFeed, HttpFeed, Source
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.forms import ModelTestForm
from startrail.project.values import READERS, cron, is_reference, secret_in
from startrail.project.yaml import read_yaml


def read(target: type, text: str, **fixed: object) -> tuple[Any, list[StartrailError]]:
    problems: list[StartrailError] = []
    return decode(read_yaml(text.encode(), "x.yml"), target, problems, what="the file", given=fixed), problems


FOLDER = "feed: {kind: folder, path: in}\n"

WRONG = [
    (Source, FOLDER + "shedule: {}\n", errors.UnknownKey, 2, 1, "did you mean 'schedule'?"),
    (Source, FOLDER + "name: x\n", errors.UnknownKey, 2, 1, None),
    (Source, FOLDER + "drift: {wrong_tipe: hold}\n", errors.UnknownKey, 2, 9, "did you mean 'wrong_type'?"),
    (Source, FOLDER + "drift: {new_field: {do: drop}}\n", errors.UnknownWord, 2, 25, None),
    (Source, FOLDER + "csv:\n  delimitr: ;\n", errors.UnknownKey, 3, 3, "did you mean 'delimiter'?"),
    (Source, "contract: x\n", errors.MissingKey, 1, 1, "add 'feed:'"),
    (Source, "feed: {path: in}\n", errors.MissingKey, 1, 7, "one of folder, ftp, ftps, http, postgres, s3, sftp"),
    (Source, "feed: {kind: ftp}\n", errors.MissingKey, 1, 7, "add 'host:'"),
    (Source, "feed: {kind: fttp}\n", errors.UnknownWord, 1, 14, "did you mean 'ftp'?"),
    (Source, "feed: in\n", errors.WrongType, 1, 7, None),
    (Source, "[1]\n", errors.WrongType, 1, 1, None),
    (Source, "", errors.WrongType, 1, 1, None),
    (Source, FOLDER + "contract: 5\n", errors.WrongType, 2, 11, 'write "5"'),
    (Source, FOLDER + "contract: {a: b}\n", errors.WrongType, 2, 11, None),
    (Source, FOLDER + "csv: {header: yes}\n", errors.WrongType, 2, 15, "YAML 1.2 knows only true and false"),
    (Source, FOLDER + "csv: {null_words: NA}\n", errors.WrongType, 2, 19, "write [NA]"),
    (Source, FOLDER + "csv: {null_words: [NA, 0]}\n", errors.WrongType, 2, 24, 'write "0"'),
    (Source, FOLDER + "csv: {delimiter: ';;'}\n", errors.BadValue, 2, 18, None),
    (Source, FOLDER + "csv: {encoding: utf8}\n", errors.UnknownWord, 2, 17, "did you mean 'utf-8'?"),
    (Source, FOLDER + "grain: dya\n", errors.UnknownWord, 2, 8, "did you mean 'day'?"),
    (Source, FOLDER + "quarantine: {retain: 400x}\n", errors.BadValue, 2, 22, None),
    (Source, FOLDER + "quarantine: {hold_above: 5}\n", errors.WrongType, 2, 26, 'write "5"'),
    (Source, FOLDER + "quarantine: {hold_above: 101%}\n", errors.BadValue, 2, 26, None),
    (Source, FOLDER + "schedule: {cron: 0 3 * *}\n", errors.BadValue, 2, 18, None),
    (Source, FOLDER + "schedule: {cron: 0 3 * * *, timezone: Europe/Madird}\n", errors.BadValue, 2, 39, None),
    (Source, "feed: {kind: folder, path: in, settle: soon}\n", errors.BadValue, 1, 40, None),
    (Source, "feed: {kind: ftp, host: h, timeout: 30}\n", errors.WrongType, 1, 37, 'write "30"'),
    (Source, "feed: {kind: ftp, host: h, port: 70000}\n", errors.BadValue, 1, 34, None),
    (Source, "feed: {kind: ftp, host: h, port: true}\n", errors.WrongType, 1, 34, None),
    (Source, "feed: {kind: ftp, host: h, password: hunter2}\n", errors.SecretInText, 1, 38, None),
    (Source, "feed: {kind: http, url: 'http://u:p@h/'}\n", errors.SecretInText, 1, 25, None),
    (Source, "feed: {kind: http, url: 'ftp://h/'}\n", errors.BadValue, 1, 25, None),
    (Source, "feed:\n  kind: http\n  url: http://h\n  headers: {Authorization: Bearer x}\n", errors.SecretInText, 4, 28, None),
    (Source, "feed: {kind: http, url: 'http://h', page_size: [limit]}\n", errors.WrongType, 1, 48, None),
    (Source, "feed: {kind: http, url: 'http://h', params: [a]}\n", errors.WrongType, 1, 45, None),
    (Profile, "warehouse: {kind: duckdb, memory: 2 G}\n", errors.BadValue, 1, 35, None),
    (Profile, "warehouse: {kind: duckdb, threads: -1}\n", errors.BadValue, 1, 36, None),
    (Profile, "limits: {parallel: 0}\n", errors.BadValue, 1, 20, None),
    (Profile, "ledger: {kind: postgres, dsn: 'host=h password=x'}\n", errors.SecretInText, 1, 31, None),
    (Profile, "ledger: {kind: postgres, dsn: 'postgresql://u:x@h/d'}\n", errors.SecretInText, 1, 31, None),
    (Profile, "store: {kind: s3, bucket: b, secret_key: abc}\n", errors.SecretInText, 1, 42, None),
    (Deadline, 'time: "09:00"\ntimezone: CEST5\n', errors.BadValue, 2, 11, None),
    (ModelTestForm, "given: {}\nexpect: [{a: 99999999999999999999}]\n", errors.BadValue, 2, 14, None),
    (ModelTestForm, "given: {a.b: [1]}\nexpect: []\n", errors.WrongType, 1, 15, None),
    (ModelTestForm, "given: {}\nexpect: []\nmodel: Marts.x\n", errors.BadValue, 3, 8, None),
]


@pytest.mark.parametrize(("target", "text", "error", "line", "column", "hint"), WRONG)
def test_a_mistake_is_named_where_it_stands(
    target: type, text: str, error: type[StartrailError], line: int, column: int, hint: str | None
) -> None:
    fixed = {"name": "x"} if target is Source else {}
    value, problems = read(target, text, **fixed)
    assert value is None
    assert [type(problem) for problem in problems] == [error], problems
    assert problems[0].at is not None
    assert (problems[0].at.file, problems[0].at.line, problems[0].at.column) == ("x.yml", line, column)
    assert problems[0].hint
    if hint is not None:
        assert problems[0].hint == hint


def test_all_mistakes_of_a_file_are_told_together() -> None:
    _, problems = read(Source, "feed: {kind: ftp, port: x}\ncontrct: a\ngrain: no\n", name="x")
    assert [problem.code for problem in problems] == ["ST117", "ST116", "ST115", "ST118"]


def test_a_secret_is_never_repeated_in_the_message() -> None:
    for text in ("feed: {kind: ftp, host: h, password: hunter2}", "feed: {kind: http, url: 'http://u:hunter2@h/'}"):
        _, problems = read(Source, text, name="x")
        assert "hunter2" not in str(problems[0])


def test_a_source_reads_into_its_struct_with_name_place_and_defaults() -> None:
    text = "feed: {kind: http, url: 'https://h/x', page_size: [limit, 100], headers: {x-api-key: 'env:KEY'}}\ncontract: orders\n"
    source, problems = read(Source, text, name="orders_api")
    assert problems == []
    assert source.feed == HttpFeed("https://h/x", page_size=("limit", 100), headers={"x-api-key": "env:KEY"})
    assert (source.name, source.contract, source.csv, str(source.span)) == ("orders_api", "orders", Dialect(), "x.yml:1:1")


def test_references_and_passwordless_addresses_pass() -> None:
    source, problems = read(Source, "feed: {kind: ftp, host: h, password: 'env:PW'}", name="x")
    assert (source.feed, problems) == (FtpFeed("h", password="env:PW"), [])
    profile, problems = read(Profile, "ledger: {kind: postgres, dsn: 'postgresql://u@h/d'}")
    assert (profile.ledger, problems) == (PostgresLedger("postgresql://u@h/d"), [])
    assert is_reference("keyring:startrail/ftp")
    assert not is_reference("env:")
    assert secret_in("header", "text/csv", "Accept") is None


def test_an_empty_optional_key_is_not_set() -> None:
    source, problems = read(Source, FOLDER + "contract:\n", name="x")
    assert (source.contract, problems) == (None, [])


def test_every_kind_of_text_in_the_declarations_has_a_reader() -> None:
    from startrail.model import quantities

    named = {
        meta.extra["reads"]
        for value in vars(quantities).values()
        for meta in getattr(value, "__metadata__", ())
        if isinstance(meta, msgspec.Meta) and meta.extra
    }
    assert named <= READERS.keys() | {"secret", "dsn", "headers"}


@pytest.mark.parametrize("text", ["09:00", "23:59", "00:00"])
def test_a_time_of_day_has_two_digits_each(text: str) -> None:
    READERS["wall time"](text)


@pytest.mark.parametrize("text", ["9:00", "24:00", "09:60", "09:00:00", "nine", "09:0\u0660"])
def test_other_times_of_day_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time of day"):
        READERS["wall time"](text)


@pytest.mark.parametrize(
    "text",
    ["0 3 * * *", "*/5 * * * *", "0 6 1,15 * *", "30 9 * * mon-fri", "0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * MON#2"],
)
def test_usual_cron_expressions_pass(text: str) -> None:
    assert cron(text) == text


@pytest.mark.parametrize(
    "text", ["", "@daily", "0 3 * *", "0 0 3 * * *", "60 * * * *", "5-1 * * * *", "*/0 * * * *", "0 0 31 2 *"]
)
def test_other_cron_expressions_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cron(text)


terms = st.sampled_from(
    [
        "*",
        "*/2",
        "1",
        "0",
        "5",
        "30",
        "31",
        "1-3",
        "3-1",
        "10-20/5",
        "5/15",
        "MON",
        "FEB",
        "sun",
        "L",
        "LW",
        "5L",
        "2#3",
        "7",
        "x",
        "",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(terms, min_size=1, max_size=2).map(",".join), min_size=5, max_size=5).map(" ".join))
def test_a_cron_expression_that_passes_is_one_the_scheduler_takes(text: str) -> None:
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
        scheduler_takes = True
    except (CronSimError, AssertionError, TypeError):
        scheduler_takes = False
    try:
        cron(text)
        we_take = True
    except ValueError:
        we_take = False
    assert scheduler_takes or not we_take
