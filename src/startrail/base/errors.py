"""The one error type a user ever sees, and its families.

Every error has a stable code, one sentence, the place in the user's files (when there is one),
what it affects, and a hint that names the next command::

    StartrailError
    ├── DeclarationError   ST1xx  the project folder: YAML, names, references
    ├── SourceError        ST2xx  feeds and landing
    ├── ContractError      ST3xx  contracts and loading
    ├── ModelError         ST4xx  SQL, models, checks
    ├── LedgerError        ST5xx  ledger, tables, publication, leases
    ├── ResourceError      ST6xx  stores, engines, disks, memory
    ├── ReportError        ST7xx  delivery
    └── UsageError         ST8xx  the command line

A concrete error is a subclass with its own ``code``; it stands in the room that raises it. Its
docstring is its entry in ``docs/reference/errors.md``: first line what happened, the rest what to do.
"""

from __future__ import annotations

from typing import ClassVar

from startrail.base.span import Span


class StartrailError(Exception):
    """Something that a person can understand and mend."""

    code: ClassVar[str] = ""
    transient: ClassVar[bool] = False
    """True when trying again later may succeed without any change."""

    def __init__(
        self,
        message: str,
        *,
        at: Span | None = None,
        affects: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.affects = affects
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"{self.code} {self.message}" if self.code else self.message]
        if self.at is not None:
            lines.append(f"  at {self.at}")
        if self.affects:
            lines.append(f"  affects: {self.affects}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class DeclarationError(StartrailError):
    """The project folder says something that cannot be."""


class SourceError(StartrailError):
    """A feed could not be listed or fetched."""


class ContractError(StartrailError):
    """A contract cannot be used, or a delivery cannot be read under it."""


class ModelError(StartrailError):
    """A model's SQL, partition or check is wrong."""


class LedgerError(StartrailError):
    """The ledger or a table could not be read or changed."""


class ResourceError(StartrailError):
    """A store, an engine, a disk or memory did not do what was asked."""


class ReportError(StartrailError):
    """A report could not be written or delivered."""


class UsageError(StartrailError):
    """The command line asks for something that is not there."""


class Errors(StartrailError):
    """Several errors found in one pass, each shown in full."""

    def __init__(self, errors: list[StartrailError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def raise_all(errors: list[StartrailError]) -> None:
    """Raise the one error, or all of them together; do nothing when there is none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Errors(errors)
