"""Loading under an older version of a contract into the table as it is today.

The rows get the columns that the older version declares, under the field ids of today; columns that came later are null
in them. A column that the table no longer has, or has with another type, is refused rather than brought back.
"""

from __future__ import annotations

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.errors import OtherColumns
from startrail.capabilities.contracts.load import raw_schema
from startrail.model.contract import Contract
from startrail.model.evolution import widens
from startrail.model.source import Source
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, Primitive


class Fit(msgspec.Struct, frozen=True):
    """``rows``: the columns of the files to write. ``table``: those of the table with such files in it."""

    rows: TableSchema
    table: TableSchema


def fit(contract: Contract, source: Source, table: TableSchema) -> Fit:
    """The older contract in a table as it stands. Raises OtherColumns (ST388)."""
    declared = raw_schema(contract)
    wrong = list(filter(None, (_disagreement(column, table.column(column.name)) for column in declared.columns)))
    if source.partition_by is not None and contract.field(source.partition_by) is None:
        wrong.append(f"it does not declare '{source.partition_by}', by which the source is partitioned")
    if wrong:
        named = f"contract {contract.name} {printable(contract.version, 60)}"
        raise OtherColumns(
            f"{named} does not fit {source.into} any more: {'; '.join(wrong[:5])}",
            affects=f"{source.into} stays as it is",
            hint="declare in today's contract what those rows need, such as an alias; then: startrail quarantine replay",
        )
    rows = tuple(_as_today(column, table) for column in declared.columns)
    promised = {column.name for column in declared.columns if column.required}
    whole = tuple(
        msgspec.structs.replace(column, required=column.required and column.name in promised) for column in table.columns
    )
    return Fit(TableSchema(rows), TableSchema(whole))


def _disagreement(column: Column, today: Column | None) -> str | None:
    if today is None:
        return f"there is no column '{printable(column.name, 60)}'"
    if _agrees(column.type, today.type):
        return None
    return f"'{printable(column.name, 60)}' is {today.type} there, and {column.type} in this version"


def _agrees(older: DataType, today: DataType) -> bool:
    """Inner fields have ids of their own, so nested types must be the same; others may have widened since."""
    return older == today or (isinstance(today, (Primitive, Decimal)) and widens(older, today))


def _as_today(column: Column, table: TableSchema) -> Column:
    today = table.column(column.name)
    assert today is not None, "what is not there was refused"
    return msgspec.structs.replace(column, id=today.id, nested=today.nested)
