"""What a person reads while a run goes on."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from startrail.cli.render import Renderer, balance
from startrail.flow import events as e
from startrail.model.delivery import Counts
from startrail.model.step import CheckResult


def told(*events: e.Event, terminal: bool = False) -> str:
    stream = io.StringIO()
    renderer = Renderer(stream, terminal=terminal)
    for event in events:
        renderer(event)
    renderer.close()
    return stream.getvalue()


def build(model: str, partition: str, rows: int) -> e.StepFinished:
    return e.StepFinished(subject=model, kind="build", partition=partition, rows=rows, seconds=0.25)


def test_a_whole_run_is_one_calm_line_per_thing_that_happened() -> None:
    assert (
        told(
            e.RunStarted(run="r1", profile="local", at="2026-10-04T03:59:00.000000Z"),
            e.Landed(subject="orders", source="orders", delivery="d1", name="orders_p1.json", size=36_076, sha256="0" * 64),
            e.StepStarted(subject="orders", kind="load", partition="d1"),
            e.Loaded(
                subject="orders",
                source="orders",
                delivery="d1",
                name="orders_p1.json",
                counts=Counts(263, 256, 7),
                kept={"tier": 256},
            ),
            build("marts.sales", "2026-10-01", 600),
            build("marts.sales", "2026-10-02", 650),
            e.StepStarted(subject="marts.sales", kind="check", partition="all"),
            e.StepFinished(subject="marts.sales", kind="check", partition="all"),
            e.Published(publication="p", tables=("raw.orders", "marts.sales"), steps=5),
            e.Delivered(subject="daily", report="daily", path="/shop/daily.html", rows=10, minutes_early=181, deadline=""),
            e.RunEnded(run="r1", state="done", steps=7, skipped=3, counts=Counts(263, 256, 7)),
        )
        == """\
run        r1, profile local
landed     orders                   orders_p1.json, 36.1 kB
loaded     orders                   orders_p1.json: 263 rows in = 256 loaded + 7 quarantined; kept unknown field tier of 256 rows
built      marts.sales              2026-10-01 to 2026-10-02, 2 partitions, 1,250 rows, 0.5 s
checked    marts.sales              every check passed
published  2 tables: raw.orders, marts.sales in one transaction
delivered  daily                    /shop/daily.html, 10 rows; arrived 181 minutes before its deadline
done       7 steps, 3 were done before; 263 rows in = 256 loaded + 7 quarantined
next       startrail quarantine list shows what was refused, and why
"""
    )


def test_a_run_that_only_looked_says_there_was_nothing_to_do() -> None:
    looked = e.StepFinished(subject="orders", kind="land", partition="all")
    ended = e.RunEnded(run="r1", state="done", steps=1, skipped=1)
    assert told(looked, ended) == "done       nothing to do: everything is up to date (1 step done before)\n"


def test_a_run_in_which_something_failed_is_not_called_idle() -> None:
    failed = e.StepFailed(subject="orders", kind="land", partition="all", error="ST201 no")
    assert told(failed, e.RunEnded(run="r1", state="failed", steps=0, skipped=0)).endswith("failed     0 steps\n")


def test_a_late_report_is_said_to_be_late() -> None:
    line = told(e.Delivered(subject="daily", report="daily", path="p", rows=1, minutes_early=-1, deadline=""))
    assert line == "late       daily                    p, 1 row; arrived 1 minute after its deadline\n"


def test_an_error_is_shown_in_full() -> None:
    error = "ST403 no such column\n  at models/marts/a.sql:3:8\n  hint: did you mean 'b'?"
    assert told(e.StepFailed(subject="marts.a", kind="build", partition="2026-10-01", error=error)).splitlines() == [
        "failed     marts.a                  build 2026-10-01",
        "           ST403 no such column",
        "             at models/marts/a.sql:3:8",
        "             hint: did you mean 'b'?",
    ]


def test_a_failing_check_is_told_with_an_example_and_not_called_passed() -> None:
    result = CheckResult("unique(id)", "error", False, 3, "", '[{"id": 7}]')
    lines = told(
        e.Checked(subject="marts.a", result=result), e.StepFinished(subject="marts.a", kind="check", partition="all", rows=3)
    ).splitlines()
    assert lines == ["failed     marts.a                  check unique(id): 3 rows fail", '           for example [{"id": 7}]']


def test_a_warning_is_called_a_warning() -> None:
    result = CheckResult("revenue >= 0", "warn", False, 1)
    assert told(e.Checked(subject="m", result=result)) == "warning    m                        check revenue >= 0: 1 row fails\n"


def test_what_a_hold_keeps_back_is_told() -> None:
    lines = told(e.PublicationHeld(publication="p", tables=("marts.a",), because="marts.a: unique(id) 3 rows")).splitlines()
    assert lines == [
        "held       1 table: marts.a not published; the last good data is still served",
        "           marts.a: unique(id) 3 rows",
    ]


def test_a_build_without_checks_is_told_before_what_follows() -> None:
    lines = told(build("marts.a", "all", 2), e.Published(publication="p", tables=("marts.a",), steps=1)).splitlines()
    assert [line.split()[0] for line in lines] == ["built", "published"]


def test_builds_still_untold_are_told_at_the_end() -> None:
    assert told(build("marts.a", "all", 2)).startswith("built      marts.a                  2 rows, 0.2 s")


def test_data_cannot_move_the_cursor_or_start_a_line_of_its_own() -> None:
    name = "a\x1b[2Jb\nfailed     everything\u202e.csv"
    out = told(e.Landed(subject="s", source="s", delivery="d", name=name, size=1, sha256=""))
    assert out.count("\n") == 1
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2Jb\\nfailed" in out


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    event = e.Published(publication="p", tables=("marts.sales",), steps=0)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m" in told(event, terminal=True)
    assert "\x1b" not in told(event)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in told(event, terminal=True)


def test_a_bar_is_drawn_on_a_terminal_only_and_taken_away() -> None:
    event = e.Progress(subject="orders", done=5_000_000, total=10_000_000, unit="bytes")
    assert told(event) == ""
    drawn = told(event, e.Growing(subject="s", source="s", name="x.csv"), terminal=True)
    assert "5.0 MB of 10.0 MB" in drawn
    assert "growing" in drawn


def test_what_is_done_at_once_gets_no_bar() -> None:
    assert told(e.Progress(subject="orders", done=50, total=100, unit="bytes"), terminal=True) == ""


def test_a_stream_that_knows_few_letters_gets_escapes_not_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    renderer = Renderer(stream)
    renderer(e.Growing(subject="s", source="s", name="Ventas año.csv"))
    renderer.close()
    assert b"a\\xf1o.csv" in raw.getvalue()


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(1, 1), "1 row in = 1 loaded"),
        (Counts(), "0 rows in = 0 loaded"),
        (Counts(1200, 1000, 100, 60, 40), "1,200 rows in = 1,000 loaded + 100 quarantined + 60 held + 40 discarded"),
        (Counts(5, 0, 0, 5), "5 rows in = 5 held"),
    ],
)
def test_rows_in_are_shown_as_the_sum_they_are(counts: Counts, words: str) -> None:
    assert balance(counts) == words


def test_plain_text_needs_no_rich() -> None:
    code = (
        "import sys, io; from startrail.cli.render import Renderer; from startrail.flow import events as e\n"
        "Renderer(io.StringIO())(e.RunStarted(run='r', profile='p', at=''))\n"
        "assert not any(m == 'rich' or m.startswith('rich.') for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
