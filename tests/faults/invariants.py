"""What must hold whatever dies: pure comparisons over what a reader sees. They know of no pipeline."""

from __future__ import annotations

from collections import Counter

import msgspec

Tables = dict[str, Counter[str]]
"""Everything a reader sees: the rows of each table as a multiset of texts."""


class Broken(AssertionError):
    """An invariant does not hold. ``lost`` and ``doubled`` count rows, ``torn`` reads of mixed versions."""

    def __init__(self, message: str, *, lost: int = 0, doubled: int = 0, torn: int = 0) -> None:
        super().__init__(message)
        self.lost = lost
        self.doubled = doubled
        self.torn = torn


class Difference(msgspec.Struct, frozen=True):
    """Rows of one table that are missing, and rows that are there and should not be, or once too often."""

    table: str
    lost: int
    doubled: int

    def __str__(self) -> str:
        return f"{self.table}: {self.lost} rows lost, {self.doubled} too many"


def differences(seen: Tables, truth: Tables) -> list[Difference]:
    """Table by table; empty when everything is equal."""
    found = []
    for table in sorted(seen.keys() | truth.keys()):
        have, want = seen.get(table, Counter()), truth.get(table, Counter())
        if have != want or (table in seen) != (table in truth):
            found.append(Difference(table, (want - have).total(), (have - want).total()))
    return found


def require_equal(seen: Tables, truth: Tables) -> None:
    """Nothing lost, nothing doubled. Raises Broken."""
    found = differences(seen, truth)
    if found:
        told = "; ".join(map(str, found))
        raise Broken(told, lost=sum(one.lost for one in found), doubled=sum(one.doubled for one in found))


def require_whole(seen: Tables, before: Tables, after: Tables) -> str:
    """``before`` or ``after``: which of the two a reader sees, all of it. Raises Broken when it sees neither."""
    if not differences(seen, after):
        return "after"
    if not differences(seen, before):
        return "before"
    old, new = ({one.table for one in differences(seen, version)} for version in (before, after))
    told = [f"{table} is {_version(table, old, new)}" for table in sorted(before.keys() | after.keys() | seen.keys())]
    raise Broken("a reader sees neither version whole: " + ", ".join(told), torn=1)


def _version(table: str, old: set[str], new: set[str]) -> str:
    match table in old, table in new:
        case False, False:
            return "the same in both"
        case False, True:
            return "as before"
        case True, False:
            return "as after"
        case _:
            return "as never"
