from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.ledgers import NOW

from startrail.ledger.chain import GENESIS, Head, Link, extend, hash_of, verify
from startrail.model.run import NewFact, Verification

texts = st.text(max_size=20)
facts = st.lists(st.builds(NewFact, kind=texts, subject=texts, payload=texts), min_size=1, max_size=6)


@given(facts)
def test_a_chain_that_was_extended_verifies(new: list[NewFact]):
    links, head = extend(Head(), new, "r1", NOW)
    assert verify(links, head) == Verification(len(new))
    assert links[0].previous == GENESIS
    assert head == Head(len(new), links[-1].hash)


@given(facts, facts)
def test_extending_twice_is_extending_once_with_both(one: list[NewFact], two: list[NewFact]):
    first, middle = extend(Head(), one, None, NOW)
    second, end = extend(middle, two, None, NOW)
    assert extend(Head(), one + two, None, NOW) == (first + second, end)


@given(facts, st.data())
def test_any_reordering_is_found(new: list[NewFact], data: st.DataObject):
    links, head = extend(Head(), new, "r1", NOW)
    shuffled = data.draw(st.permutations(links))
    assert (verify(shuffled, head).altered is None) == (shuffled == links)


def test_borders_between_columns_count():
    one = Link(1, "at", "ab", "c", None, "{}", GENESIS, "")
    assert hash_of(one) != hash_of(one._replace(kind="a", subject="bc"))
    assert hash_of(one) != hash_of(one._replace(run=""))
    assert hash_of(one) != hash_of(one._replace(seq="1"))
    assert hash_of(one._replace(hash="anything")) == hash_of(one)


def test_the_first_of_several_altered_facts_is_named():
    links, head = extend(Head(), [NewFact("k", str(n)) for n in range(9)], None, NOW)
    for n in (7, 3, 5):
        links[n] = links[n]._replace(subject="forged")
    found = verify(links, head)
    assert (found.facts, found.altered) == (3, 4)
    assert "fact 4" in found.reason


def test_a_chain_recomputed_to_its_end_is_betrayed_by_the_recorded_head():
    _, head = extend(Head(), [NewFact("k", "true"), NewFact("k", "x")], None, NOW)
    forged, _ = extend(Head(), [NewFact("k", "forged"), NewFact("k", "x")], None, NOW)
    assert verify(forged, head).altered == 2


def test_a_first_fact_that_follows_another_is_out_of_place():
    links, head = extend(Head(0, "f" * 64), [NewFact("k", "s")], None, NOW)
    assert verify(links, head).altered == 1
