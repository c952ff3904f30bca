"""Names that fall together at a target which knows no difference of case or of accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import BinaryIO

import pytest
from tests.unit.sources.test_copy import Place

from startrail.capabilities.sources.copy import NameNotKept, NotAllCopied, TargetTaken
from startrail.testing.feed import MemoryFeed
from startrail.testing.store import MemoryStore


class CaseBlind(MemoryStore):
    """As the disks of many laptops and shares are."""

    def put_as(
        self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
    ) -> bool:
        return super().put_as(data, lambda: _fallen(key if isinstance(key, str) else key()), replace=replace, size=size)

    def size(self, key: str) -> int | None:
        return super().size(_fallen(key) or "")

    def open(self, key: str) -> BinaryIO:
        return super().open(_fallen(key) or "")


def _fallen(key: str | None) -> str | None:
    return None if key is None else unicodedata.normalize("NFC", key).casefold()


@pytest.fixture
def place() -> Place:
    made = Place()
    made.target = CaseBlind()
    return made


PAIRS = [("A.csv", "a.csv"), ("u\u0308.csv", "ü.csv"), ("Sub/a.csv", "sub/a.csv")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_second_of_two_is_told_and_the_first_stays(place: Place, one: str, other: str) -> None:
    for _ in range(2):
        with pytest.raises(TargetTaken, match="ST250"):
            place.copy(MemoryFeed({one: b"first", other: b"second"}))
        assert list(place.there().values()) == [b"first"]
    with pytest.raises(TargetTaken):
        place.copy(MemoryFeed({one: b"first, anew", other: b"second"}))
    assert list(place.there().values()) == [b"first, anew"], "a new version replaces its own copy only"


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_where_names_are_kept_apart_both_come(one: str, other: str) -> None:
    place = Place()
    place.copy(MemoryFeed({one: b"first", other: b"second"}))
    assert place.there() == {one: b"first", other: b"second"}


@pytest.mark.parametrize(
    "name",
    ["..\\x.csv", "a\\x00b.csv", "\\u202ecsv.exe", "../x.csv", "/etc/passwd", "a//b.csv", ".", "x" * 180 + "…0123456789abcdef"],
)
def test_a_name_that_cannot_be_kept_is_told_and_the_others_come(place: Place, name: str) -> None:
    with pytest.raises(NameNotKept, match="ST251"):
        place.copy(MemoryFeed({name: b"x", "sound.csv": b"sound"}))
    assert place.there() == {"sound.csv": b"sound"}
    with pytest.raises(NotAllCopied, match="ST253"):
        place.copy(MemoryFeed({name: b"x", "..": b"y"}))
