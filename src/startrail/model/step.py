"""Steps: the units of work that happen as if once."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Literal

import msgspec

from startrail.base.ids import fingerprint
from startrail.model.delivery import Counts, Delivery
from startrail.model.drift import Finding
from startrail.model.table import WHOLE, TableChange
from startrail.model.version import ContractRef

StepKind = Literal["land", "load", "build", "check", "bridge", "send", "deliver", "measure"]
StepState = Literal["staged", "published", "held", "failed"]
"""staged: done, its output not yet visible. published: visible. held: a delivery set aside under this contract."""


class Step(msgspec.Struct, frozen=True, order=True, dict=True):
    """What is to be done, not how. ``fingerprint`` covers code, inputs and contract.

    ``code`` and ``inputs`` are its two halves, kept apart so that a plan can say *why* a step is stale.
    """

    kind: StepKind
    subject: str
    partition: str = WHOLE
    code: str = ""
    inputs: str = ""

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.code, self.inputs)

    @cached_property
    def key(self) -> str:
        """32 hex digits; the same work always has the same key."""
        return fingerprint(self.kind, self.subject, self.partition, self.fingerprint)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}" + ("" if self.partition == WHOLE else f" {self.partition}")


class CheckResult(msgspec.Struct, frozen=True):
    """What one check found. ``failing`` counts rows (or 1 for a whole-table check); ``sample`` is at most ten rows as JSON."""

    check: str
    severity: str
    passed: bool
    failing: int = 0
    message: str = ""
    sample: str = "[]"


class Dates(msgspec.Struct, frozen=True):
    """The days of a column in one delivery, counted from 1970-01-01: a tenth of its values lie before ``low``, half before
    ``middle``, a tenth behind ``high``."""

    low: float
    middle: float
    high: float
    landed: float = 0.0
    """The day on which the delivery came."""


class StepOutput(msgspec.Struct, frozen=True):
    """What a done step leaves: enough to go on without doing it again."""

    changes: tuple[TableChange, ...] = ()
    """What it staged: one table for a load or a build, several for a script."""
    rows: int = 0
    counts: Counts | None = None
    touched: dict[str, int] = {}
    """Partitions of the table's time column that this step put rows into, with row counts (raw tables)."""
    changed: tuple[str, ...] | None = None
    """Of a load that replaces an earlier one: the partitions whose rows are others now, and ``all`` when there are any.
    None: those that were touched."""
    deliveries: tuple[Delivery, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    view: str | None = None
    """The SQL of a view model."""
    reads: tuple[str, ...] = ()
    """What that view reads."""
    kept: dict[str, int] = {}
    """Unknown fields kept in ``_extra``, with the number of rows that had them."""
    held: str | None = None
    """Why a delivery was held."""
    quarantine: str | None = None
    """Store key of the Parquet file with the quarantined rows."""
    report: str | None = None
    """Where a report was delivered."""
    drift: tuple[Finding, ...] = ()
    """How the delivery departs from its contract, and what was done about it; the fifty most severe."""
    medians: dict[str, float] = {}
    """Medians of a delivery's numeric columns, against which later deliveries are held."""
    dates: dict[str, Dates] = {}
    """Of columns whose declared pattern has day and month as numbers: where a delivery's days lie."""
    columns: dict[str, str] = {}
    """Columns that the table got or widened by this load, with their types (a source that accepts new fields)."""
    contract: ContractRef | None = None
    """Under which version of its contract a delivery was loaded or held."""
    note: dict[str, str] = {}


class StepRecord(msgspec.Struct, frozen=True):
    """A step as the ledger knows it."""

    key: str
    step: Step
    state: StepState
    run: str
    started_at: datetime
    ended_at: datetime | None = None
    attempts: int = 1
    output: StepOutput | None = None
    error: str | None = None


class Took(msgspec.Struct, frozen=True):
    """How long one step took, and how it ended."""

    kind: StepKind
    run: str
    state: StepState
    started_at: datetime
    ended_at: datetime
    error: str | None = None

    @property
    def seconds(self) -> float:
        """Never negative: a clock may have been set back in between."""
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


class Fact(msgspec.Struct, frozen=True):
    """One thing that happened. ``payload`` is JSON text; ``hash`` chains it to the fact before."""

    seq: int
    at: datetime
    kind: str
    subject: str
    run: str | None
    payload: str
    previous: str
    hash: str
