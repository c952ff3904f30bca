"""Contracts: the producer's promise, read from an ODCS 3.2 document into what loading needs."""

from __future__ import annotations

import msgspec

from startrail.base.span import Span
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType


class Format(msgspec.Struct, frozen=True):
    """How text becomes a value of a field's type. Everything is declared; nothing is tried in turn."""

    pattern: str | None = None
    """For date, time and timestamp: a strptime pattern. None = ISO 8601."""
    timezone: str | None = None
    """For an instant written without an offset: the zone it is meant in. None = such text breaks the contract."""
    decimal_separator: str = "."
    true_words: tuple[str, ...] = ("true",)
    false_words: tuple[str, ...] = ("false",)
    null_words: tuple[str, ...] | None = None
    """None = those of the source's dialect (CSV) or none (JSON)."""


class Field(msgspec.Struct, frozen=True):
    """One promised field. ``fields`` for an object, ``item`` for an array."""

    name: str
    type: DataType
    required: bool = False
    unique: bool = False
    enum: tuple[str, ...] | None = None
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """An anchored-nowhere regular expression in the common subset of RE2 and Python."""
    format: Format = Format()
    aliases: tuple[str, ...] = ()
    unit: str | None = None
    description: str | None = None
    fields: tuple[Field, ...] = ()
    item: Field | None = None
    span: Span | None = None


class Contract(msgspec.Struct, frozen=True):
    """A contract under its id and version; ``fingerprint`` covers what loading depends on."""

    name: str
    version: str
    fields: tuple[Field, ...]
    span: Span
    primary_key: tuple[str, ...] = ()
    description: str | None = None
    fingerprint: str = ""
    not_enforced: tuple[str, ...] = ()
    """What the document says and loading does not look at, each with its place."""

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def schema(self) -> TableSchema:
        """The declared columns as table columns; loading adds its own (``_delivery``, ``_ordinal``, ``_extra``)."""
        return TableSchema(tuple(Column(f.name, f.type, required=f.required, doc=f.description) for f in self.fields))
