"""What was written down is told at least once, whole, in order, and never without bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.openlineage.journal import Journal


def lines(journal: Journal, run: str, offset: int = 0) -> list[bytes]:
    return [event for _, event in journal.events(run, offset)]


@settings(max_examples=40)
@given(events=st.lists(st.sampled_from([b"", b"a", b"{}"]), max_size=6), torn=st.sampled_from([b"", b"{", b"half"]))
def test_a_torn_line_is_cut_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, events: list[bytes], torn: bytes) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    journal.add("1", b"first")
    for event in events:
        journal.add("1", event)
    with (folder / "1.ndjson").open("ab") as file:
        file.write(torn)
    journal.mend("1")
    journal.add("1", b"last")
    assert lines(journal, "1") == [b"first", *events, b"last"]


def test_what_was_sent_is_not_waiting(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for event in (b"a", b"b", b"c"):
        journal.add("1", event)
    journal.add("2", b"d")
    offset, _ = next(journal.events("1"))
    journal.mark_sent("1", offset)
    assert lines(journal, "1", journal.sent("1")) == [b"b", b"c"]
    assert journal.waiting() == 3


def test_the_oldest_runs_are_given_up_first_and_the_newest_never(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for run in ("1", "2", "3"):
        for _ in range(4):
            journal.add(run, b"x" * 99)
    assert journal.trim(900) == 4
    assert journal.runs() == ["2", "3"]
    assert journal.trim(1) == 4
    assert journal.runs() == ["3"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "none")
    assert (journal.runs(), journal.waiting(), lines(journal, "1"), journal.sent("1")) == ([], 0, [], 0)
