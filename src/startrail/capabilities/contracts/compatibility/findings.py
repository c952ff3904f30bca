"""What the rules of a language say about one pair: a writer's and a reader's schema."""

from __future__ import annotations

import msgspec

from startrail.base.text import printable
from startrail.ports.compatibility import Incompatibility

SNIPPET = 200
NOT_DECIDABLE = "not_decidable"
MEANING = frozenset({
    "decimal_scale_changed", "decimal_precision_narrowed", "timestamp_unit_changed", "logical_type_changed",
})  # fmt: skip
"""Kinds where the bytes can be read but mean something else."""


class Finding(msgspec.Struct, frozen=True):
    """One reason; ``written`` and ``read`` are the parts of the two schemas."""

    kind: str
    path: str
    message: str
    change: str
    written: str = ""
    read: str = ""


class Sides(msgspec.Struct, frozen=True):
    """Which of the two schemas is the new one, so that sentences can say so."""

    reader_is_new: bool

    @property
    def writer(self) -> str:
        return "old" if self.reader_is_new else "new"

    @property
    def reader(self) -> str:
        return "new" if self.reader_is_new else "old"

    def advise(self, reader_new: str, writer_new: str) -> str:
        """What to do: only the new schema can still be changed."""
        return reader_new if self.reader_is_new else writer_new

    def told(self, finding: Finding, version: int) -> Incompatibility:
        """The finding as people and programs get it."""
        written, read = snippet(finding.written), snippet(finding.read)
        return Incompatibility(
            finding.kind,
            finding.path,
            finding.message,
            finding.change,
            old=written if self.reader_is_new else read,
            new=read if self.reader_is_new else written,
            version=version,
            direction="backward" if self.reader_is_new else "forward",
        )


def snippet(text: str) -> str:
    """At most 200 printable characters."""
    shown = printable(text, SNIPPET)
    return shown if len(shown) <= SNIPPET else shown[: SNIPPET - 1] + "…"


def undecided(path: str, what: str, written: str = "", read: str = "") -> Finding:
    """The answer when nothing is proven: better refused than wrong."""
    return Finding(
        NOT_DECIDABLE, path, f"it cannot be decided whether all data fits: {what}", "simplify this part, or leave it unchanged",
        written, read,
    )  # fmt: skip
