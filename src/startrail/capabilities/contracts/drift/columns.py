"""The columns of a raw table: those that the contract declares, then those that loading adds."""

from __future__ import annotations

from startrail.capabilities.contracts.errors import ReservedField, UnsupportedField
from startrail.model.contract import Contract, Field
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, ListOf, MapOf, Primitive, StructOf
from startrail.ports.loader import DELIVERY, EXTRA, ORDINAL, OWN_COLUMNS


def raw_schema(contract: Contract) -> TableSchema:
    """The columns of a raw table: those declared, then where each row came from and what else it had.

    Raises ReservedField (ST301) and UnsupportedField (ST302).
    """
    for field in contract.fields:
        _check(field, contract)
    own = (
        Column(DELIVERY, Primitive("string"), doc="Id of the delivery that brought the row."),
        Column(ORDINAL, Primitive("long"), doc="Number of the record in its delivery, from 1."),
        Column(EXTRA, Primitive("string"), doc="JSON text of the fields that the contract does not declare."),
    )
    return TableSchema(contract.schema().columns + own)


def _check(field: Field, contract: Contract) -> None:
    if field.name.lower() in OWN_COLUMNS:
        raise ReservedField(
            f"contract '{contract.name}' declares '{field.name}', a name that loading uses itself",
            at=field.span or contract.span,
            hint="rename the field in the contract",
        )
    if not _loadable(field.type):
        raise UnsupportedField(
            f"field '{field.name}' of contract '{contract.name}' is a {field.type}; a map needs string keys",
            at=field.span or contract.span,
            hint="declare its keys as string, or an array of objects",
        )


def _loadable(kind: DataType) -> bool:
    match kind:
        case ListOf(item=item):
            return _loadable(item)
        case MapOf(key=key, value=value):
            return key == Primitive("string") and _loadable(value)
        case StructOf(fields=fields):
            return all(_loadable(inner) for _, inner in fields)
        case _:
            return True
