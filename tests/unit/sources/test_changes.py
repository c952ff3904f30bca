"""What a listing shows beside what is remembered: renamed, replaced, deleted, each told once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from startrail.capabilities.sources.changes import MOST_TOLD, compare, events
from startrail.model.listing import NameChanges, RememberedName, Renamed, Replaced


def known(name: str, delivery: str, told: str | None = "same", *, gone: bool = False) -> RememberedName:
    return RememberedName(name, delivery, delivery if told == "same" else told, gone)


def test_the_same_bytes_under_another_name_while_the_old_one_is_gone_are_that_file_renamed() -> None:
    found = compare([known("a", "1"), known("b", "1", None)], {"b"})
    assert found == NameChanges(renamed=(Renamed("a", "b"),), gone=("a",), settled=("b",))


def test_the_same_bytes_under_another_name_while_the_old_one_is_there_are_nothing_to_tell() -> None:
    found = compare([known("a", "1"), known("b", "1", None)], {"a", "b"})
    assert (found.renamed, found.deleted, found.gone) == ((), (), ())


def test_a_file_whose_twin_was_there_before_is_deleted_and_not_renamed() -> None:
    found = compare([known("a", "1"), known("b", "1")], {"b"})
    assert (found.renamed, found.deleted) == ((), ("a",))


def test_other_bytes_under_the_same_name_are_a_new_version() -> None:
    found = compare([known("a", "2", "1")], {"a"})
    assert found == NameChanges(replaced=(Replaced("a", "1", "2"),), settled=("a",))


def test_a_rotation_is_a_rename_of_each_and_a_new_version_of_none_that_was_lost() -> None:
    """a, a.1 become a.1, a.2 and there is a new a."""
    found = compare([known("a", "3", "2"), known("a.1", "2", "1"), known("a.2", "1", None)], {"a", "a.1", "a.2"})
    assert found.deleted == ()
    assert [each.name for each in found.replaced] == ["a", "a.1"]


def test_a_listing_that_is_not_known_to_be_whole_loses_nothing() -> None:
    found = compare([known("a", "1"), known("b", "2", "1")], None)
    assert (found.deleted, found.gone, [each.name for each in found.replaced]) == ((), (), ["b"])


def test_a_name_that_is_back_is_remembered_and_may_go_again() -> None:
    assert compare([known("a", "1", gone=True)], {"a"}) == NameChanges(back=("a",))
    assert compare([known("a", "1", gone=True)], set()).nothing


def test_a_hundred_thousand_names_that_are_gone_are_one_fact() -> None:
    found = compare([known(f"{number:06}", f"{number}") for number in range(100_000)], set())
    [event] = events("s", found)
    assert (event.count, len(event.names)) == (100_000, MOST_TOLD)  # pyrefly: ignore


def settled(remembered: list[RememberedName], changes: NameChanges) -> list[RememberedName]:
    """As the ledger remembers it then."""
    gone = {each.name for each in remembered if each.gone} - set(changes.back) | set(changes.gone)
    return [RememberedName(each.name, each.delivery, each.delivery, each.name in gone) for each in remembered]


names = st.sampled_from("abcdef")
deliveries = st.sampled_from("12345")


@given(
    st.dictionaries(names, st.tuples(deliveries, st.none() | deliveries, st.booleans())),
    st.none() | st.frozensets(names),
)
def test_what_was_told_is_not_told_again_and_every_gone_name_counts_once(
    rows: dict[str, tuple[str, str | None, bool]], listed: frozenset[str] | None
) -> None:
    remembered = [RememberedName(name, *row) for name, row in rows.items()]
    found = compare(remembered, listed)
    old = [each.old for each in found.renamed]
    assert sorted([*old, *found.deleted]) == sorted(found.gone)
    assert len({each.new for each in found.renamed}) == len(old)
    assert compare(settled(remembered, found), listed).nothing
