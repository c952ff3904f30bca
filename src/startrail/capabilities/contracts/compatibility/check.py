"""Which pairs of versions a mode compares, and the answers put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from startrail.capabilities.contracts.compatibility.findings import Finding, Sides, undecided
from startrail.capabilities.contracts.compatibility.work import OutOfWork, Work
from startrail.ports.compatibility import Incompatibility, Mode, Refs

S = TypeVar("S")


class Language(Protocol[S]):
    """Reads one schema language and knows its rules."""

    def read(self, text: str, refs: Refs) -> S:
        """The schema. Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        ...

    def compare(self, writer: S, reader: S, sides: Sides, work: Work) -> list[Finding]:
        """Why ``reader`` cannot read what ``writer`` writes; empty when it can."""
        ...


def check(language: Language[S], old: Sequence[tuple[str, Refs]], new: tuple[str, Refs], mode: Mode) -> list[Incompatibility]:
    """The reasons why ``new`` may not follow ``old`` (oldest first), each version's in turn.

    Modes as schema registries define them: without _TRANSITIVE only the newest old version counts. All that is
    compared is read first, and NONE too reads the new schema, so that it is at least valid.
    """
    newest = language.read(*new)
    if mode is Mode.NONE:
        return []
    first = 0 if mode.name.endswith("_TRANSITIVE") else max(len(old) - 1, 0)
    versions = [(number, language.read(*old[number])) for number in range(first, len(old))]
    found: dict[Incompatibility, None] = {}
    for number, version in versions:
        if not mode.startswith(Mode.FORWARD):
            found.update(_pair(language, version, newest, Sides(reader_is_new=True), number))
        if not mode.startswith(Mode.BACKWARD):
            found.update(_pair(language, newest, version, Sides(reader_is_new=False), number))
    return [each for each in found if each.direction == "backward" or _turned(each) not in found]


def _turned(one: Incompatibility) -> Incompatibility:
    """The same said of old data: some rules are about the change, whoever reads."""
    return msgspec.structs.replace(one, direction="backward")


def _pair(language: Language[S], writer: S, reader: S, sides: Sides, number: int) -> dict[Incompatibility, None]:
    try:
        findings = language.compare(writer, reader, sides, Work())
    except OutOfWork:
        findings = [undecided("", "the schemas are too intricate to compare within the work allowed")]
    except RecursionError:
        findings = [undecided("", "the schemas are nested too deep to compare")]
    return dict.fromkeys(sides.told(finding, number) for finding in findings)
