"""Rehearsing: what a delivery would have come to under another contract, beside what it did come to.

The landed bytes are read again and nothing is kept. A rehearser may read less than everything, but only where the
answer is certainly the same.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from startrail.ports.loader import Drift, Judge, LoadOutcome, LoadTask, Progress, Violation

OTHERS = "(others)"
"""The value that stands for all values beyond the bound."""


class Before(msgspec.Struct, frozen=True):
    """What is recorded of the delivery: store keys of the rows it loaded and of those it refused."""

    files: tuple[str, ...] = ()
    quarantine: str | None = None
    rows_in: int = 0


class Part(msgspec.Struct, frozen=True):
    """The fields that alone need be read again, since the rest of the record was decided under the same promises.

    ``drift`` is all that was seen then.
    """

    fields: tuple[str, ...]
    required: frozenset[str]
    """Those of the fields that must not be null."""
    drift: tuple[Drift, ...] = ()


class Look(msgspec.Struct, frozen=True):
    """By which columns of the raw table rows are told apart and added up."""

    day: str
    """The day of rows that have none of their own."""
    day_column: str | None = None
    segments: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()


class RehearsalTask(msgspec.Struct, frozen=True):
    """One delivery to rehearse; ``load`` is how it would be loaded now. ``part`` None: everything is read again."""

    load: LoadTask
    before: Before
    look: Look
    part: Part | None = None


class Broken(msgspec.Struct, frozen=True):
    """How many rows that are loaded break one rule at one path."""

    rule: str
    path: str
    rows: int
    sample: str


class Share(msgspec.Struct, frozen=True):
    """Of the rows with one value in one column (the day when ``column`` is empty): those loaded now, those of them that
    would be refused, and those that would come in."""

    column: str
    value: str
    rows: int
    refused: int = 0
    let_in: int = 0


class Moved(msgspec.Struct, frozen=True):
    """The sum of one column on one day over the rows that are loaded, would be refused and would come in, as text."""

    column: str
    day: str
    sum: str
    refused: str = "0"
    let_in: str = "0"


class Example(msgspec.Struct, frozen=True):
    """One row that would be refused: its number, how it begins, and what it breaks."""

    ordinal: int
    raw: str
    violations: tuple[Violation, ...]


class Compared(msgspec.Struct, frozen=True):
    """Row by row, what would be otherwise if the delivery were not held; ``refused`` of those that are loaded.

    ``gone``: the ordinals of these, as ranges with both ends; None when there are too many ranges to keep.
    """

    refused: int = 0
    let_in: int = 0
    rules: tuple[Broken, ...] = ()
    shares: tuple[Share, ...] = ()
    sums: tuple[Moved, ...] = ()
    examples: tuple[Example, ...] = ()
    gone: tuple[tuple[int, int], ...] | None = ()


class Rehearsed(msgspec.Struct, frozen=True):
    """``outcome`` without its files: only how many rows they had."""

    outcome: LoadOutcome
    compared: Compared
    part: bool = False
    """Whether only some fields were read again."""


class Rehearser(Protocol):
    """Raises what stores and loaders raise."""

    def rehearse(self, task: RehearsalTask, judge: Judge, part: Judge, progress: Progress) -> Rehearsed:
        """``part`` judges records that have only the fields of ``task.part``."""
        ...

    def few_values(self, files: tuple[str, ...], columns: tuple[str, ...], most: int, each: int = 1) -> tuple[str, ...]:
        """Those of the columns that have at most so many values in the first rows of the files, each so often on
        average, in their order."""
        ...
