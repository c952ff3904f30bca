"""Landed bytes as records by other libraries than the loader's: the standard library's gzip, csv and json, and Arrow's
Parquet reader."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import math
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

import msgspec

from startrail.adapters.archive.zstd import open_zstd
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.model.types import Primitive
from startrail.ports.loader import Landed
from startrail.ports.witness import CannotWitness

_ENCODINGS = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "utf-16": "utf-16"}
_LONGEST = 16 << 20
_BOM = b"\xef\xbb\xbf"
_AT_ONCE = 4096


class _Number(float):
    """A JSON number that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> _Number:
        try:
            made = super().__new__(cls, text)
        except ValueError:
            made = super().__new__(cls, "nan")
        made.text = text
        return made


class PlainWitness:
    """See :class:`startrail.ports.witness.Witness`."""

    def __init__(self, store: Landed) -> None:
        self._store = store

    def records(self, key: str, media: str, contract: Contract, dialect: Dialect, path: str) -> Generator[bytes | None]:
        form, _, packed = media.partition("+")
        with self._store.local(key) as local:
            try:
                if form == "parquet":
                    yield from _parquet(local, contract)
                    return
                with _opened(local, packed) as file:
                    if form == "csv":
                        yield from _csv(file, contract, dialect)
                    elif form == "ndjson":
                        yield from _lines(file)
                    elif form == "json":
                        yield from _document(file, path)
                    else:
                        raise CannotWitness(f"there is no second reader of {media}")
            except (OSError, EOFError, ValueError, csv.Error, RecursionError) as error:
                raise CannotWitness(f"{type(error).__name__}: {error}") from error


@contextmanager
def _opened(path: Path, packed: str) -> Iterator[BinaryIO]:
    with gzip.open(path) if packed == "gzip" else path.open("rb") as opened:
        file = cast("BinaryIO", opened)
        yield open_zstd(file) if packed == "zstd" else file


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    first = True
    for line in file:
        record = line.removeprefix(_BOM) if first else line
        first = False
        if record.strip():
            yield None if len(record) > _LONGEST else record


def _document(file: BinaryIO, path: str) -> Iterator[bytes | None]:
    text = file.read().removeprefix(_BOM).decode()
    tree = json.loads(text, parse_int=_Number, parse_float=_Number)
    for key in filter(None, path.removeprefix("$").split(".")):
        tree = tree[key]
    for record in tree if isinstance(tree, list) else [tree]:
        yield _dump(record).encode(errors="surrogatepass")


def _dump(tree: Any) -> str:
    if isinstance(tree, _Number):
        return tree.text
    if isinstance(tree, dict):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_dump(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(_dump, tree)) + "]"
    return json.dumps(tree, ensure_ascii=False)


def _csv(file: BinaryIO, contract: Contract, dialect: Dialect) -> Iterator[bytes | None]:
    csv.field_size_limit(_LONGEST)
    errors = "surrogateescape" if dialect.encoding == "utf-8" else "strict"
    text = io.TextIOWrapper(file, encoding=_ENCODINGS[dialect.encoding], errors=errors, newline="")
    try:
        yield from _rows(csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True), contract, dialect)
    finally:
        text.detach()


def _rows(rows: Iterator[list[str]], contract: Contract, dialect: Dialect) -> Iterator[bytes | None]:
    names = next(rows, []) if dialect.header else [field.name for field in contract.fields]
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield None
            continue
        if not row:
            continue
        try:
            yield msgspec.json.encode(dict(zip(names, row, strict=True)))
        except (ValueError, UnicodeEncodeError):
            yield None


def _parquet(path: Path, contract: Contract) -> Iterator[bytes | None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    midnight = {field.name for field in contract.fields if field.type == Primitive("timestamp")}
    try:
        file = pq.ParquetFile(path)
        short = {field.name for field in file.schema_arrow if field.type == pa.float32()}
        for batch in file.iter_batches(batch_size=_AT_ONCE):
            for row in batch.to_pylist():
                yield msgspec.json.encode({
                    name: _plain(_shortest(value) if name in short else value, midnight=name in midnight)
                    for name, value in row.items()
                })  # fmt: skip
    except (pa.ArrowException, ImportError) as error:
        raise CannotWitness(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error


def _plain(value: Any, *, midnight: bool = False) -> Any:
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() if value and all(isinstance(each, tuple) for each in value):
            return {str(key): _plain(inner) for key, inner in value}
        case list():
            return [_plain(inner) for inner in value]
        case datetime():
            text = (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat(timespec="microseconds")
            return text + ("Z" if value.tzinfo else "")
        case date():
            return f"{value.isoformat()}T00:00:00" if midnight else value.isoformat()
        case time():
            return value.isoformat(timespec="microseconds")
        case Decimal():
            return f"{value:f}"
        case UUID():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def _shortest(value: float | None) -> float | None:
    """A 32-bit number by the fewest digits that name it among its like."""
    if value is None or not math.isfinite(value):
        return value
    for digits in range(1, 10):
        text = float(f"{value:.{digits}g}")
        if struct.unpack("f", struct.pack("f", text))[0] == value:
            return text
    return value
