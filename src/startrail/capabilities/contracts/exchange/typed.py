"""Contracts of samples that have types: Parquet files and published tables. The types stand; the values are looked at."""

from __future__ import annotations

import msgspec

from startrail.base.span import Span
from startrail.capabilities.contracts.exchange.arrow_in import from_arrow
from startrail.capabilities.contracts.exchange.errors import NothingToPromise
from startrail.capabilities.contracts.exchange.fields import field_of
from startrail.capabilities.contracts.exchange.infer import INFERRED_VERSION, Inferred
from startrail.capabilities.contracts.exchange.remarks import suggestions
from startrail.model.contract import Contract, Field
from startrail.model.table import TableSchema
from startrail.model.types import DataType
from startrail.ports.exchange import ColumnFacts
from startrail.ports.loader import OWN_COLUMNS


def infer_parquet(description: bytes, facts: tuple[ColumnFacts, ...], name: str, origin: str) -> Inferred:
    """The contract of a Parquet file, from its schema and what its columns show. Raises NotASchema (ST373)."""
    imported = from_arrow(description, name, version=INFERRED_VERSION)
    losses = tuple(str(loss) for loss in imported.losses)
    return _inferred(imported.contract.fields, facts, name, origin, losses)


def infer_table(schema: TableSchema, facts: tuple[ColumnFacts, ...], name: str, origin: str) -> Inferred:
    """The contract of a published table, without the columns that loading adds."""
    fields = tuple(
        field_of(column.name, column.type, required=column.required, description=column.doc)
        for column in schema.columns
        if column.name not in OWN_COLUMNS
    )
    return _inferred(fields, facts, name, origin, ())


def _inferred(
    fields: tuple[Field, ...], facts: tuple[ColumnFacts, ...], name: str, origin: str, losses: tuple[str, ...]
) -> Inferred:
    if not fields:
        raise NothingToPromise(f"{origin} has no column that a contract could declare", hint="give another sample")
    shown = {fact.name: fact for fact in facts}
    rows = facts[0].rows if facts else 0
    kept: list[Field] = []
    notes: dict[str, tuple[str, ...]] = {}
    for field in fields:
        fact = shown.get(field.name)
        full = fact is not None and rows > 0 and fact.nulls == 0
        kept.append(msgspec.structs.replace(field, required=full or (field.required and rows == 0)))
        if fact is not None:
            notes[f"$.{field.name}"] = _remarks(fact, field.type, full)
    about = f"Inferred from {origin}: all {rows:,} rows; the types are those it has."
    notes["$"] = (about, "What is only likely is a comment.", *losses)
    contract = Contract(name, INFERRED_VERSION, tuple(kept), Span(f"{name}.odcs.yml"))
    return Inferred(contract, {path: said for path, said in notes.items() if said}, rows)


def _remarks(fact: ColumnFacts, kind: DataType, full: bool) -> tuple[str, ...]:
    there = fact.rows - fact.nulls
    if fact.rows > 0 and there == 0:
        return ("no value was seen",)
    return tuple(suggestions(there, fact.distinct == there, fact.few, kind, full))
