"""Contracts: the producer's promise, read from an ODCS 3.2 document into what loading needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType

Compatibility = Literal["BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE"]
"""BACKWARD: what was written before can be read now. FORWARD: what is written now could be read before. FULL: both.
TRANSITIVE: beside every earlier version, not only the last."""


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
    enum_open: bool = False
    """Values that ``enum`` does not name are let in, and told."""
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """An anchored-nowhere regular expression in the common subset of RE2 and Python."""
    format: Format = Format()
    aliases: tuple[str, ...] = ()
    default: str | None = None
    """What an absent value stands for, as a literal in ISO form; null is not absent. None = nothing does."""
    closed: bool = False
    """Of an object, or of an array's or map's items: a field that ``fields`` does not name breaks the contract."""
    unit: str | None = None
    consumers: tuple[str, ...] = ()
    """Who reads the field, as far as its producer knows."""
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
    closed: bool = False
    """A field at the top that ``fields`` does not name breaks the contract."""
    compatibility: Compatibility | None = None
    """What a new version of the contract must be to the versions before it; None = the contract does not say."""
    consumers: tuple[str, ...] = ()
    """Who reads the data, as far as its producer knows."""

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def readers(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Who reads the data, or the fields at these paths (``$.customer.phone``) of it."""
        fields = [self.field(path.removeprefix("$.").partition(".")[0].partition("[")[0]) for path in paths]
        found = [name for field in fields if field is not None for name in field.consumers]
        return tuple(dict.fromkeys((*self.consumers, *found)))

    def schema(self) -> TableSchema:
        """The declared columns as table columns; loading adds its own (``_delivery``, ``_ordinal``, ``_extra``)."""
        return TableSchema(tuple(Column(f.name, f.type, required=f.required, doc=f.description) for f in self.fields))


def contract_fingerprint(contract: Contract) -> str:
    """Changes exactly when what loading depends on does: not with descriptions, units, consumers, places, name,
    version or compatibility."""
    bare = tuple(_bare(field) for field in contract.fields)
    return fingerprint(msgspec.json.encode((bare, contract.primary_key, contract.closed)).decode())


def _bare(field: Field) -> Field:
    return msgspec.structs.replace(
        field,
        description=None,
        consumers=(),
        unit=None,
        span=None,
        fields=tuple(_bare(child) for child in field.fields),
        item=_bare(field.item) if field.item is not None else None,
    )
