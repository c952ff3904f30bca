"""What only a file can suffer, and what SQLite in particular must do."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.ledgers import NOW, a_move, a_publication, take

from startrail.adapters.ledger.sqlite import SqliteLedger, open_ledger
from startrail.base import crash
from startrail.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFull,
    LedgerReadOnly,
)
from startrail.model.run import NewFact


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "folder" / "with space # and ?" / "ledger.sqlite"


@contextmanager
def opened(path: Path, *, read_only: bool = False, busy_seconds: float = 120) -> Iterator[SqliteLedger]:
    ledger = open_ledger(path, read_only=read_only, busy_seconds=busy_seconds)
    try:
        yield ledger
    finally:
        ledger.close()


def test_the_folder_is_made_and_the_file_is_in_wal_mode(path: Path):
    with opened(path) as ledger:
        take(ledger)
        assert path.exists()
        assert ledger._connection.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_publication_is_synced_to_disk_and_nothing_else_waits_for_it(path: Path, monkeypatch: pytest.MonkeyPatch):
    with opened(path) as ledger:

        def synchronous() -> int:
            return ledger._connection.execute("pragma synchronous").fetchone()[0]

        lease = take(ledger)
        assert synchronous() == 1
        seen: list[int] = []
        monkeypatch.setattr(crash, "hook", lambda _: seen.append(synchronous()))
        ledger.publish(a_publication("p1", a_move("marts.a", "a1")), lease)
        assert seen == [2, 2]
        ledger.release(lease)
        assert synchronous() == 1


@pytest.mark.parametrize("content", [b"hello, I am a text file\n" * 50, b"SQLite format 3\0" + b"\xaa" * 4000, b"x"])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    for read_only in (True, False):
        with pytest.raises(LedgerDamaged, match=r"ledger\.sqlite"):
            open_ledger(path, read_only=read_only)
    assert path.read_bytes() == content


def test_a_damaged_page_is_a_clear_error(path: Path):
    with opened(path):
        pass
    empty = path.stat().st_size // 4096
    with opened(path) as ledger:
        ledger.append([NewFact("k", "s" * 500) for _ in range(200)], run=None, at=NOW)
    data = bytearray(path.read_bytes())
    for page in range(empty, len(data) // 4096):
        data[page * 4096 : page * 4096 + 2000] = b"\xee" * 2000
    path.write_bytes(data)
    with opened(path) as ledger, pytest.raises(LedgerDamaged, match="damaged"):
        ledger.verify()


def test_a_folder_in_the_place_of_the_file_is_a_clear_error(tmp_path: Path):
    for read_only in (True, False):
        with pytest.raises(LedgerDamaged, match="it is a folder"):
            open_ledger(tmp_path, read_only=read_only)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerReadOnly, match="cannot be made"):
        open_ledger(tmp_path / "file" / "ledger.sqlite")


def test_an_empty_file_counts_as_no_ledger_yet(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    path.touch()
    with opened(path, read_only=True) as ledger:
        assert ledger.latest_fact() is None
    assert path.stat().st_size == 0
    with opened(path) as ledger:
        take(ledger)


def test_a_writer_that_waits_too_long_says_so_and_readers_never_wait(path: Path):
    with opened(path, busy_seconds=0.05) as ledger:
        lease = take(ledger)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        try:
            with pytest.raises(LedgerBusy) as caught:
                ledger.release(lease)
            assert caught.value.transient
            assert ledger.holder("runner") == lease
            with opened(path, read_only=True) as reader:
                assert reader.holder("runner") == lease
        finally:
            other.close()
        ledger.release(lease)


def test_a_full_disk_undoes_the_transaction_and_the_next_one_works(path: Path):
    with opened(path) as ledger:
        ledger.append([NewFact("k", "before")], run=None, at=NOW)
        (pages,) = ledger._connection.execute("pragma page_count").fetchone()
        ledger._connection.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(LedgerDiskFull):
            ledger.append([NewFact("k", "x" * 100_000)], run=None, at=NOW)
        assert ledger.verify().facts == 1
        ledger._connection.execute("pragma max_page_count = 1000000")
        ledger.append([NewFact("k", "after")], run=None, at=NOW)
        assert (ledger.verify().facts, ledger.verify().altered) == (2, None)


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder in which an ordinary user may write nothing, with a ledger that was closed properly."""
    folder = Path(tempfile.mkdtemp(prefix="startrail-ledger-"))
    with opened(folder / "ledger.sqlite") as ledger:
        ledger.append([NewFact("k", "s")], run=None, at=NOW)
    (folder / "ledger.sqlite").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """File permissions do not bind root; then be somebody else for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_ledger_that_may_not_be_written_is_a_clear_error_and_can_still_be_read(guarded: Path):
    with as_ordinary_user():
        with pytest.raises(LedgerReadOnly), opened(guarded / "ledger.sqlite") as ledger:
            take(ledger)
        with opened(guarded / "ledger.sqlite", read_only=True) as reader:
            assert reader.verify().facts == 1
        with pytest.raises(LedgerReadOnly):
            open_ledger(guarded / "new.sqlite")


def test_a_ledger_that_may_not_even_be_read_is_a_clear_error(guarded: Path):
    (guarded / "ledger.sqlite").chmod(0o000)
    with as_ordinary_user():
        for read_only in (True, False):
            with pytest.raises(LedgerReadOnly):
                open_ledger(guarded / "ledger.sqlite", read_only=read_only)


def test_a_ledger_in_a_folder_that_may_not_be_looked_into_is_a_clear_error(guarded: Path):
    guarded.chmod(0o000)
    with as_ordinary_user():
        for read_only in (True, False):
            with pytest.raises(LedgerReadOnly):
                open_ledger(guarded / "ledger.sqlite", read_only=read_only)


def test_what_a_killed_writer_committed_is_read_without_writing(path: Path, tmp_path: Path):
    with opened(path) as ledger:
        ledger.append([NewFact("k", "s")], run=None, at=NOW)
        shutil.copytree(path.parent, tmp_path / "left", symlinks=True)  # file and log as a kill leaves them
    with opened(tmp_path / "left" / path.name, read_only=True) as reader:
        assert reader.verify().facts == 1


def test_a_memory_ledger_is_one_of_its_own():
    one, two = open_ledger(":memory:"), open_ledger(":memory:")
    take(one)
    assert two.holder("runner") is None
    one.close()
    two.close()


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        ("deliveries.pending", {"source": "s"}, "deliveries_pending"),
        ("deliveries.of_source", {"source": "s"}, "deliveries_source"),
        ("steps.by_keys", {"keys": "[]"}, "sqlite_autoindex_steps_1"),
        ("steps.loads_of", {"keys": "[]"}, "steps_loads"),
        ("steps.by_run", {"run": "r", "subject": None, "kind": None, "limit": 9}, "steps_run"),
        ("steps.by_subject", {"subject": "s", "kind": None, "limit": 9}, "steps_subject"),
        ("steps.by_kind", {"kind": "build", "limit": 9}, "steps_kind"),
        ("steps.by_end", {"limit": 9}, "steps_end"),
        ("steps.views", {}, "steps_views"),
        ("facts.by_run", {"run": "r", "subject": None, "kind": None, "after": 0, "limit": 9}, "facts_run"),
        ("facts.by_subject", {"subject": "s", "kind": None, "after": 0, "limit": 9}, "facts_subject"),
        ("facts.by_kind", {"kind": "k", "after": 0, "limit": 9}, "facts_kind"),
        ("facts.latest", {}, "PRIMARY KEY|SCAN facts$"),
        ("runs.unfinished", {"lease": "runner"}, "runs_unfinished"),
    ],
)
def test_a_frequent_question_is_answered_by_an_index_without_sorting(statement: str, values: dict, index: str):
    from startrail.adapters.ledger.sqlite.ledger import _STATEMENTS

    ledger = open_ledger(":memory:")
    rows = ledger._connection.execute("explain query plan " + _STATEMENTS[statement], values).fetchall()
    ledger.close()
    plan = "\n".join(row[3] for row in rows)
    assert any(name in plan for name in index.removesuffix("$").split("|")), plan
    assert "ORDER BY" not in plan.replace("LAST TERM OF ORDER BY", "") or statement == "steps.views", plan
