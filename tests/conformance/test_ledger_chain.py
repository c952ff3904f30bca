"""Any change to any fact is found, on both databases; each change is tried in a transaction that is undone again."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.ledgers import NOW, Place

from startrail.ledger.errors import LedgerDamaged
from startrail.model.run import NewFact, Verification
from startrail.ports.ledger import Ledger

FACTS = 12
TEXTS = ["at", "kind", "subject", "run", "payload", "previous", "hash"]
UNLOCK = {
    "sqlite": ["drop trigger if exists facts_stay", "drop trigger if exists facts_remain"],
    "postgres": ["drop trigger if exists facts_stay on facts"],
}
rows = st.integers(1, FACTS)


@pytest.fixture
def told(place: Place) -> tuple[Place, Ledger]:
    """A ledger with some facts and without the guard against accidents."""
    ledger = place.open()
    for n in range(FACTS // 2):
        ledger.append([NewFact("k", f"s{n}", f'{{"n":{n}}}'), NewFact("l", f"s{n}")], run="r" if n % 2 else None, at=NOW)
    place.sql(*UNLOCK[place.dialect], "create table original as select * from facts")
    return place, ledger


def tampered(told: tuple[Place, Ledger], *statements: str) -> Verification:
    """What verification says after the statements; then everything is put back."""
    place, ledger = told
    try:
        place.sql(*statements)
        return ledger.verify()
    finally:
        place.sql("delete from facts", "insert into facts select * from original")


quietly = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@quietly
@given(row=rows, column=st.sampled_from(TEXTS), text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_an_edit_of_any_column_of_any_row_names_that_row(told, row: int, column: str, text: str):
    edit = f"update facts set {column} = {literal(text)} where seq = {row}"
    untouched = told[0].sql(f"select 1 from facts where seq = {row} and {column} = {literal(text)}")
    found = tampered(told, edit)
    assert found.altered == (None if untouched else row)


@quietly
@given(row=rows)
def test_a_run_taken_away_names_that_row(told, row: int):
    had_one = told[0].sql(f"select 1 from facts where seq = {row} and run is not null")
    assert tampered(told, f"update facts set run = null where seq = {row}").altered == (row if had_one else None)


@quietly
@given(row=rows)
def test_a_missing_row_is_named_even_when_it_was_the_last(told, row: int):
    found = tampered(told, f"delete from facts where seq = {row}")
    assert (found.altered, found.facts) == (row, row - 1)
    assert "missing" in found.reason


@quietly
@given(row=rows)
def test_rows_cut_off_at_the_end_are_missed(told, row: int):
    found = tampered(told, f"delete from facts where seq >= {row}")
    assert found.altered == row
    assert f"{row} to {FACTS} are missing" in found.reason


@quietly
@given(pair=st.lists(rows, min_size=2, max_size=2, unique=True))
def test_two_rows_that_changed_places_are_found_at_the_first(told, pair: list[int]):
    one, two = sorted(pair)
    swap = [f"update facts set seq = {to} where seq = {seq}" for seq, to in ((one, 1000), (two, one), (1000, two))]
    assert tampered(told, *swap).altered == one


@quietly
@given(row=rows, to=st.integers(-5, 50).filter(lambda seq: not 1 <= seq <= FACTS))
def test_a_row_moved_elsewhere_is_found(told, row: int, to: int):
    assert tampered(told, f"update facts set seq = {to} where seq = {row}").altered in (row, to)


@quietly
@given(row=rows)
def test_a_row_rewritten_with_a_fitting_hash_is_named_by_the_row_after_it_or_by_the_recorded_end(told, row: int):
    from startrail.ledger.chain import Link, hash_of

    link = Link._make(told[0].sql(f"select seq, at, kind, subject, run, payload, previous, hash from facts where seq = {row}")[0])
    forged = hash_of(link._replace(payload='{"forged":1}'))
    found = tampered(told, f"""update facts set payload = '{{"forged":1}}', hash = '{forged}' where seq = {row}""")
    assert found.altered == row


def test_a_row_added_behind_the_recorded_end_is_found(told):
    insert = "insert into facts select seq + 1, at, kind, subject, run, payload, hash, hash from facts where seq = 12"
    assert tampered(told, insert).altered == FACTS + 1


def test_all_rows_gone_is_found(told):
    assert tampered(told, "delete from facts").altered == 1


def test_a_chain_that_nobody_touched_is_whole_after_all_that(told):
    assert tampered(told, "select 1") == Verification(FACTS)


def test_a_lost_or_unreadable_record_of_the_end_is_an_error(told):
    place, ledger = told
    place.sql("update meta set value = 'nonsense' where key = 'facts.head'")
    with pytest.raises(LedgerDamaged, match="end of its facts"):
        ledger.verify()
    place.sql("delete from meta where key = 'facts.head'")
    with pytest.raises(LedgerDamaged, match="lost the recorded end"):
        ledger.append([NewFact("k", "s")], run=None, at=NOW)


def test_reading_an_altered_time_is_an_error_that_names_the_command_which_finds_it(told):
    place, ledger = told
    place.sql("update facts set at = 'yesterday' where seq = 3")
    with pytest.raises(LedgerDamaged, match="fact 3") as caught:
        list(ledger.facts())
    assert caught.value.hint is not None
    assert "ledger verify" in caught.value.hint


# SQLite's columns take values of any type, so a forger has more to choose from.


@pytest.fixture
def in_sqlite(tmp_path) -> Iterator[Callable[[str, Any], Verification]]:
    place = Place("sqlite", str(tmp_path / "ledger.sqlite"))
    ledger = place.open()
    ledger.append([NewFact("k", "s1"), NewFact("k", "s2", '{"n":1}'), NewFact("k", "s3")], run="r", at=NOW)

    def edit(column: str, value: Any) -> Verification:
        connection = sqlite3.connect(place.address)
        for statement in UNLOCK["sqlite"]:
            connection.execute(statement)
        connection.execute(f"update facts set {column} = ? where seq = 2", (value,))
        connection.commit()
        connection.close()
        return ledger.verify()

    yield edit
    place.close()


@pytest.mark.parametrize("value", [b"s2", b"\xff\xfe", 7, 1.5, "2"])
@pytest.mark.parametrize("column", ["at", "kind", "subject", "run", "payload", "previous", "hash"])
def test_a_value_of_another_type_is_an_edit_too(in_sqlite, column: str, value: Any):
    assert in_sqlite(column, value).altered == 2


def test_text_that_is_not_utf_8_is_judged_and_not_stumbled_over(tmp_path):
    place = Place("sqlite", str(tmp_path / "ledger.sqlite"))
    ledger = place.open()
    ledger.append([NewFact("k", "s1"), NewFact("k", "s2")], run="r", at=NOW)
    place.sql(*UNLOCK["sqlite"], "update facts set subject = cast(x'fffe41' as text) where seq = 2")
    assert ledger.verify().altered == 2
    place.close()
