"""Facts, on both databases."""

import pytest
from tests.fixtures.ledgers import NOW, Place, later

from startrail.model.run import NewFact


def test_facts_come_back_in_order_and_as_they_were(place: Place):
    ledger = place.open()
    ledger.append([NewFact("a", "one", '{"x":1}'), NewFact("b", "two")], run="r1", at=NOW)
    ledger.append([NewFact("a", "three ✓")], run=None, at=later(1))
    found = list(ledger.facts())
    assert [(f.seq, f.kind, f.subject, f.payload, f.run, f.at) for f in found] == [
        (1, "a", "one", '{"x":1}', "r1", NOW),
        (2, "b", "two", "{}", "r1", NOW),
        (3, "a", "three ✓", "{}", None, later(1)),
    ]
    assert [f.previous for f in found[1:]] == [f.hash for f in found[:-1]]
    assert ledger.latest_fact() == found[-1]
    assert ledger.verify().facts == 3
    assert ledger.verify().altered is None


def test_an_empty_ledger_has_no_facts_and_verifies(place: Place):
    ledger = place.open()
    assert list(ledger.facts()) == []
    assert ledger.latest_fact() is None
    assert (ledger.verify().facts, ledger.verify().altered) == (0, None)


def test_appending_nothing_changes_nothing(place: Place):
    ledger = place.open()
    ledger.append([], run=None, at=NOW)
    assert ledger.latest_fact() is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"kind": "a"}, [1, 3, 5]),
        ({"subject": "x"}, [1, 2]),
        ({"run": "r2"}, [4, 5, 6]),
        ({"run": "r2", "kind": "a"}, [5]),
        ({"run": "r2", "subject": "z"}, [5, 6]),
        ({"run": "r2", "subject": "z", "kind": "b"}, [6]),
        ({"subject": "x", "kind": "b"}, [2]),
        ({"after": 4}, [5, 6]),
        ({"kind": "a", "after": 1, "limit": 1}, [3]),
        ({"limit": 0}, []),
        ({"limit": 2}, [1, 2]),
    ],
)
def test_facts_are_filtered_by_kind_subject_and_run(place: Place, filters, expected):
    ledger = place.open()
    ledger.append([NewFact("a", "x"), NewFact("b", "x"), NewFact("a", "y")], run="r1", at=NOW)
    ledger.append([NewFact("b", "y"), NewFact("a", "z"), NewFact("b", "z")], run="r2", at=NOW)
    assert [fact.seq for fact in ledger.facts(**filters)] == expected


def test_many_facts_are_read_in_pages_without_gap_or_repeat(place: Place):
    ledger = place.open()
    ledger.append([NewFact("k", str(n)) for n in range(2500)], run="r", at=NOW)
    assert [fact.seq for fact in ledger.facts(kind="k")] == list(range(1, 2501))
    assert [fact.seq for fact in ledger.facts(run="r", limit=1500)] == list(range(1, 1501))
    assert ledger.verify().facts == 2500


def test_text_that_no_database_can_hold_is_stored_escaped(place: Place):
    ledger = place.open()
    ledger.append([NewFact("k", "nul \0 and half \ud800 pair")], run=None, at=NOW)
    latest = ledger.latest_fact()
    assert latest is not None
    assert latest.subject == r"nul \x00 and half \ud800 pair"
    assert ledger.verify().altered is None


def test_facts_cannot_be_changed_by_accident(place: Place):
    ledger = place.open()
    ledger.append([NewFact("k", "s")], run=None, at=NOW)
    for statement in ("update facts set subject = 'other'", "delete from facts"):
        with pytest.raises(Exception, match="append-only"):
            place.sql(statement)


def test_both_databases_agree_on_every_hash(place: Place):
    ledger = place.open()
    ledger.append([NewFact("report.delivered", "daily_sales", '{"minutes_early":12}')], run="r1", at=NOW)
    latest = ledger.latest_fact()
    assert latest is not None
    assert latest.hash == "79808e77ae6ca2955a8905691c893085e2b9d31ca27ce68dec24be25784a0ae9"
