"""Opening a ledger: made, migrated, read only, or refused with a sentence. On both databases."""

import importlib
import shutil
import tempfile
from pathlib import Path

import pytest
from tests.fixtures.ledgers import NOW, Place, take

from startrail.ledger.errors import LedgerDamaged, LedgerReadOnly, LedgerTooNew, LedgerTooOld
from startrail.model.run import NewFact, Run
from startrail.model.table import TableName
from startrail.ports.feed import Seen

_VERSION = "select value from meta where key = 'startrail.version'"


@pytest.fixture
def next_version(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call it, and this program knows one more version of the ledger, and a step after it where one is given."""
    module = importlib.import_module(f"startrail.adapters.ledger.{place.dialect}.ledger")
    known = module._MIGRATIONS

    def learn(after: str | None = None) -> None:
        # A folder of its own each time: what a program ships does not change while it runs, and it is read once.
        folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "migrations"
        shutil.copytree(known, folder)
        (folder / "0099.sql").write_text("-- one more\ncreate table later (n integer);\ninsert into later values (7);\n")
        if after is not None:
            (folder / "0100.sql").write_text(after)
        monkeypatch.setattr(module, "_MIGRATIONS", folder)

    return learn


def test_reading_a_ledger_that_is_not_there_yet_finds_it_empty_and_makes_nothing(place: Place):
    ledger = place.open(read_only=True)
    assert ledger.latest_fact() is None
    assert ledger.runs() == ledger.deliveries() == ledger.history() == list(ledger.facts()) == []
    assert ledger.pointers() == ledger.versions() == ledger.views() == ledger.steps(["k"]) == ledger.cached("k", ["k"]) == {}
    assert ledger.seen("s") == Seen()
    assert ledger.held(TableName("a", "b")) is None
    assert ledger.holder("runner") is None
    assert ledger.verify().facts == 0
    with pytest.raises(LedgerReadOnly):
        take(ledger)
    if place.dialect == "sqlite":
        assert not Path(place.address).exists()
    else:
        assert place.sql(f"select 1 from pg_namespace where nspname = '{place.schema}'") == []
    assert take(place.open()).token == 1


def test_a_ledger_opened_for_reading_sees_what_others_write_and_refuses_to_write(place: Place):
    writer = place.open()
    reader = place.open(read_only=True)
    lease = take(writer)
    writer.start_run(Run("r1", NOW), lease)
    assert [run.id for run in reader.runs()] == ["r1"]
    for attempt in (
        lambda: reader.append([NewFact("k", "s")], run=None, at=NOW),
        lambda: reader.release(lease),
        lambda: reader.end_run("r1", "done", NOW),
    ):
        with pytest.raises(LedgerReadOnly, match="reading only"):
            attempt()
    reader.cache("k", {"a": b"1"})  # what can be computed again is not worth an error
    assert reader.cached("k", ["a"]) == {}


def test_a_ledger_from_a_newer_version_is_left_alone(place: Place):
    place.open().close()
    place.sql("update meta set value = '999' where key = 'startrail.version'")
    for read_only in (False, True):
        with pytest.raises(LedgerTooNew, match="version 999") as caught:
            place.open(read_only=read_only)
        assert caught.value.hint is not None
        assert "upgrade" in caught.value.hint


def test_a_ledger_of_an_older_version_is_brought_forward_and_keeps_what_it_knows(place: Place, next_version):
    old = place.open()
    old.append([NewFact("k", "s")], run=None, at=NOW)
    old.close()
    ((before,),) = place.sql(_VERSION)
    next_version()
    with pytest.raises(LedgerTooOld, match=f"version {before} "):
        place.open(read_only=True)
    new = place.open()
    assert place.sql("select n from later") == [(7,)]
    assert new.verify().facts == 1
    place.open(read_only=True)
    place.open()
    assert place.sql("select n from later") == [(7,)]


def test_a_migration_that_fails_leaves_the_old_version(place: Place, next_version):
    place.open().close()
    before = place.sql(_VERSION)
    next_version("create table nonsense (;\n")
    with pytest.raises(Exception, match="syntax"):
        place.open()
    assert place.sql(_VERSION) == before
    next_version()
    place.open()
    assert place.sql("select n from later") == [(7,)]


@pytest.mark.parametrize(
    "others",
    [["create table customers (id integer)"], ["create table meta (id integer)"], ["create table meta (key text, value text)"]],
)
def test_a_database_that_belongs_to_something_else_is_left_alone(place: Place, others: list[str]):
    if place.dialect == "postgres":
        others = [f'create schema "{place.schema}"', *others]
    place.sql(*others)
    for read_only in (True, False):
        with pytest.raises(LedgerDamaged):
            place.open(read_only=read_only)


def test_both_dialects_have_the_same_statements():
    from startrail.adapters.ledger.postgres import ledger as postgres
    from startrail.adapters.ledger.sqlite import ledger as sqlite

    assert sqlite._STATEMENTS.names() == postgres._STATEMENTS.names()
    assert [file.name for file in sorted(sqlite._MIGRATIONS.iterdir())] == [
        file.name for file in sorted(postgres._MIGRATIONS.iterdir())
    ]
