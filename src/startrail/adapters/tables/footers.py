"""A staged Parquet file's footer, checked against the schema, as an Iceberg data file with column bounds."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.typedef import Record

from startrail.adapters.tables.bounds import in_order, lower_bound, upper_bound
from startrail.adapters.tables.entries import IcebergFile
from startrail.model.evolution import inner_fields, widens
from startrail.model.table import DataFile, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf
from startrail.ports.store import NotStored, Store
from startrail.ports.tables import StagedFileWrong

_MEASURED_LEAVES = 100
"""Beyond so many, columns get no bounds (as Iceberg's own writers do), so that metadata stays small."""
_ID = b"PARQUET:field_id"

Leaf = tuple[int, DataType]
"""Field id and type of one physical column, in the file's order."""


def iceberg_file(store: Store, file: DataFile, schema: TableSchema, last_id: int) -> IcebergFile:
    """Read the footer and describe the file. Raises StagedFileWrong (ST555).

    ``last_id``: ids up to it may be columns that the table once had; they are ignored.
    """
    try:
        with store.open(file.key) as stream:
            size = stream.seek(0, io.SEEK_END)
            footer = pq.read_metadata(stream)
    except NotStored as error:
        raise _wrong(file, "it is not in the store") from error
    except pa.ArrowException as error:
        raise _wrong(file, "it is not a Parquet file") from error
    if size != file.size:
        raise _wrong(file, f"it has {size} bytes, its step said {file.size}")
    if footer.num_rows != file.rows:
        raise _wrong(file, f"it has {footer.num_rows} rows, its step said {file.rows}")
    leaves = _leaves(file, footer.schema.to_arrow_schema(), schema, last_id)
    described = IcebergFile.from_args(
        content=DataFileContent.DATA,
        file_path=store.uri(file.key),
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=footer.num_rows,
        file_size_in_bytes=file.size,
        key_metadata=None,
        equality_ids=None,
        sort_order_id=None,
        **_measures(file, footer, leaves, {column.id: column.name for column in schema.columns if column.required}),
    )
    return cast(IcebergFile, described)


def _leaves(file: DataFile, arrow: pa.Schema, schema: TableSchema, last_id: int) -> list[Leaf | None]:
    """One entry per physical column; None for one that is not read."""
    columns = {column.id: column for column in schema.columns}
    lacking = {column.id: column.name for column in schema.columns if column.required}
    found: list[Leaf | None] = []
    for field in arrow:
        id = _id(file, field)
        lacking.pop(id, None)
        column = columns.get(id)
        if column is None:
            if id > last_id:
                raise _wrong(file, f"its column '{field.name}' has field id {id}, which the table does not know")
            found.extend([None] * _width(field.type))
            continue
        found.extend(_inside(file, field, (id, column.type), iter(column.nested)))
    if lacking:
        raise _wrong(file, f"it lacks the required column '{next(iter(lacking.values()))}'")
    return found


def _inside(file: DataFile, field: pa.Field, leaf: Leaf, ids: Iterator[int]) -> Iterator[Leaf | None]:
    """Check one field and yield the leaves under it. Inner fields are found by id, so their order is free."""
    kind = leaf[1]
    known = _inner(kind, ids)
    if not known:
        actual = _primitive(field.type)
        if not _holds(kind, actual, field.type):
            raise _wrong(file, f"its column '{field.name}' is {field.type}, the table's is {kind}")
        yield leaf
        return
    if not _same_container(field.type, kind):
        raise _wrong(file, f"its column '{field.name}' is {field.type}, the table's is {kind}")
    for child in _children(field.type):
        id = _id(file, child)
        if id in known:
            inner, nested = known[id]
            yield from _inside(file, child, (id, inner), iter(nested))
        elif isinstance(kind, StructOf):
            yield from [None] * _width(child.type)
        else:
            raise _wrong(
                file, f"'{child.name}' inside its column '{field.name}' has field id {id}, which the table does not know"
            )


def _inner(kind: DataType, ids: Iterator[int]) -> dict[int, tuple[DataType, tuple[int, ...]]]:
    """What is directly inside a type, by id, each with the ids inside it."""
    return {next(ids): (inner, tuple(_take(inner, ids))) for _, inner in inner_fields(kind)}


def _take(kind: DataType, ids: Iterator[int]) -> Iterator[int]:
    for _, inner in inner_fields(kind):
        yield next(ids)
        yield from _take(inner, ids)


def _children(kind: pa.DataType) -> list[pa.Field]:
    if pa.types.is_map(kind):
        return [kind.key_field, kind.item_field]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [kind.value_field]
    if pa.types.is_struct(kind):
        return list(kind)
    return []


def _width(kind: pa.DataType) -> int:
    children = _children(kind)
    return sum(_width(child.type) for child in children) if children else 1


def _same_container(actual: pa.DataType, kind: DataType) -> bool:
    match kind:
        case ListOf():
            return pa.types.is_list(actual) or pa.types.is_large_list(actual)
        case MapOf():
            return pa.types.is_map(actual)
        case _:
            return pa.types.is_struct(actual)


_ARROW: dict[str, str] = {
    "bool": "boolean", "int32": "int", "int64": "long", "float": "float", "double": "double", "date32[day]": "date",
    "time64[us]": "time", "timestamp[us]": "timestamp", "timestamp[us, tz=UTC]": "timestamptz", "string": "string",
    "large_string": "string", "binary": "binary", "large_binary": "binary", "fixed_size_binary[16]": "uuid",
    "extension<arrow.uuid>": "uuid", "int8": "int", "int16": "int", "uint8": "int", "uint16": "int",
}  # fmt: skip


def _primitive(kind: pa.DataType) -> DataType | None:
    if pa.types.is_decimal(kind):
        return Decimal(kind.precision, kind.scale)
    name = _ARROW.get(str(kind))
    return Primitive(name) if name is not None else None


def _holds(kind: DataType, actual: DataType | None, arrow: pa.DataType) -> bool:
    if actual is None:
        return pa.types.is_null(arrow)
    return widens(actual, kind)


def _id(file: DataFile, field: pa.Field) -> int:
    text = (field.metadata or {}).get(_ID)
    if text is None:
        raise _wrong(file, f"its column '{field.name}' has no field id")
    return int(text)


def _measures(file: DataFile, footer: pq.FileMetaData, leaves: list[Leaf | None], required: dict[int, str]) -> dict[str, Any]:
    """The statistics fields of a data file."""
    sizes: dict[int, int] = {}
    values: dict[int, int] = {}
    nulls: dict[int, int] = {}
    lower: dict[int, bytes] = {}
    upper: dict[int, bytes] = {}
    groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
    for at, leaf in enumerate(leaves[:_MEASURED_LEAVES]):
        if leaf is None:
            continue
        id, kind = leaf
        chunks = [group.column(at) for group in groups]
        sizes[id] = sum(chunk.total_compressed_size for chunk in chunks)
        values[id] = sum(chunk.num_values for chunk in chunks)
        counted = [chunk.statistics for chunk in chunks if chunk.is_stats_set]
        if len(counted) < len(chunks) or not all(one.has_null_count for one in counted):
            continue
        nulls[id] = sum(one.null_count for one in counted)
        if id in required and nulls[id]:
            raise _wrong(file, f"its required column '{required[id]}' has {nulls[id]} nulls")
        filled = [one for one, chunk in zip(counted, chunks, strict=True) if one.null_count < chunk.num_values]
        if filled and all(one.has_min_max for one in filled):
            _keep(lower, id, lower_bound(kind, min(in_order(kind, one.min_raw) for one in filled)))
            _keep(upper, id, upper_bound(kind, max(in_order(kind, one.max_raw) for one in filled)))
    return {
        "column_sizes": sizes,
        "value_counts": values,
        "null_value_counts": nulls,
        "nan_value_counts": {},
        "lower_bounds": lower,
        "upper_bounds": upper,
        "split_offsets": [_start(group.column(0)) for group in groups if group.num_columns],
    }


def _keep(bounds: dict[int, bytes], id: int, value: bytes | None) -> None:
    if value is not None:
        bounds[id] = value


def _start(chunk: pq.ColumnChunkMetaData) -> int:
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
        return min(chunk.dictionary_page_offset, chunk.data_page_offset)
    return chunk.data_page_offset


def _wrong(file: DataFile, why: str) -> StagedFileWrong:
    return StagedFileWrong(f"the staged file {file.key} is not what it should be: {why}", hint="run again; the step is done anew")
