"""Models: SQL that makes tables out of tables, and the checks that stand before its publication."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.quantities import TypeText
from startrail.model.schedule import Schedule

Kind = Literal["view", "table", "partition", "script"]
Severity = Literal["error", "warn"]


class Check(msgspec.Struct, frozen=True):
    """One check. ``name`` is its word; what the other fields mean depends on it.

    not_null, unique: ``columns``. accepted_values: ``columns`` (one), ``values``. relationship: ``columns``,
    ``to`` (table), ``to_columns``. row_count: ``minimum``, ``maximum``. freshness: ``columns`` (one),
    ``within`` (duration). sql: ``sql``, a condition true for every good row.
    """

    name: Literal["not_null", "unique", "accepted_values", "relationship", "row_count", "freshness", "sql"]
    severity: Severity = "error"
    columns: tuple[str, ...] = ()
    values: tuple[str | int | float | bool, ...] = ()
    to: str | None = None
    to_columns: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    within: str | None = None
    sql: str | None = None
    span: Span | None = None

    def title(self) -> str:
        """``unique(invoice_day, region)``: how messages and facts name the check."""
        inside = self.sql or ", ".join(self.columns)
        return f"{self.name}({inside})" if inside else self.name


class ModelColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the header promises about one output column."""

    type: TypeText | None = None
    """The promised type; rows that do not fit it exactly fail the build."""
    unit: str | None = None
    """What the number counts, such as EUR."""
    description: str | None = None
    """One sentence for readers."""


class Model(msgspec.Struct, frozen=True):
    """One model file. ``sql`` is the text after the header, untouched; ``name`` comes from the path."""

    name: str
    sql: str
    path: str
    kind: Kind = "table"
    description: str | None = None
    owner: str | None = None
    partition_by: str | None = None
    partition_grain: Literal["hour", "day", "week", "month", "list"] = "day"
    start: str | None = None
    """First partition to exist when no input says which do."""
    grain: tuple[str, ...] = ()
    columns: dict[str, ModelColumn] = {}
    checks: tuple[Check, ...] = ()
    lookback: str | None = None
    schedule: Schedule | None = None
    reads: tuple[str, ...] = ()
    """Declared, for a script whose reads cannot be inferred."""
    writes: tuple[str, ...] = ()
    sql_line: int = 1
    """Line of the file at which ``sql`` begins."""
    span: Span = Span("")


class ModelTest(msgspec.Struct, frozen=True):
    """A unit test: small input tables, optional parameters, expected rows (order does not count)."""

    name: str
    model: str
    given: dict[str, list[dict[str, object]]]
    expect: list[dict[str, object]]
    parameters: dict[str, str] = {}
    span: Span = Span("")
