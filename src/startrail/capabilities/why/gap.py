"""The answer to why two numbers differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from startrail.model.metric import MetricInput


class Segment(msgspec.Struct, frozen=True):
    """Part of a cause's amount: the rows with these values of dimensions."""

    by: dict[str, str | None]
    """Empty = all other rows."""
    amount: Decimal
    rows: int = 0


class Line(msgspec.Struct, frozen=True):
    """What is due to one difference of definition."""

    cause: str
    a: str | None
    b: str | None
    amount: Decimal
    share: float | None
    """Of the gap, as a number; None when the gap is zero."""
    first: Decimal
    last: Decimal
    """What it moves when it is swapped first, and last. The amount lies between what all orders give."""
    sign_depends: bool
    """Whether first and last have opposite signs."""
    rows: int
    """How many rows it changes in any mixture."""
    gross_in: Decimal | None = None
    gross_out: Decimal | None = None
    """Swapped alone: what it brings in, and what it takes away."""
    timing: Decimal | None = None
    permanent: Decimal | None = None
    """Of time slots, swapped alone: what another period of that length makes good, and what none does."""
    segments: tuple[Segment, ...] = ()
    additive: bool = True
    """Whether the segments sum to the amount; if not, each is what the cause moves when it is swapped there alone."""
    block: str = ""
    """The block in which its share was found; empty when all differences are told apart at once."""
    slots: tuple[str, ...] = ()
    evidence: str = ""
    """The name of its query: see ``--evidence``."""
    exact: str = ""
    """The amount before it was rounded, as a fraction."""


class Part(msgspec.Struct, frozen=True):
    """Rows that the same causes move: these parts are disjoint and sum to the gap."""

    causes: tuple[str, ...]
    amount: Decimal
    rows: int


class Change(msgspec.Struct, frozen=True):
    """Of the rows that changed between two times: those that changed in one way."""

    kind: str
    amount: Decimal
    rows: int


class Gap(msgspec.Struct, frozen=True):
    """A, B, and lines that sum to B - A."""

    a: str
    b: str
    period: str | None
    value_a: Decimal
    value_b: Decimal
    gap: Decimal
    lines: tuple[Line, ...]
    without_effect: tuple[str, ...] = ()
    """Slots that differ in text but change no row."""
    partition: tuple[Part, ...] = ()
    changes: tuple[Change, ...] = ()
    unexplained: Decimal = Decimal(0)
    unit: str | None = None
    notes: tuple[str, ...] = ()
    statements: int = 0
    """How many queries read the tables for it."""
    verified: int | None = None
    """How many independent queries agreed; None = not asked for."""
    method: Literal["rows", "texts"] = "rows"
    """``texts``: every mixture was run as a query; lines have no rows, and no segments."""
    definitions: tuple[str, str] | None = None
    """Versions of the two definitions, as recorded values name them."""
    inputs: tuple[MetricInput, ...] = ()
    """The versions of the tables that were read."""
