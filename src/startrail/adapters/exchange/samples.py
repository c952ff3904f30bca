"""Sample files as batches of texts or JSON records; nothing is typed here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from startrail.adapters.exchange import parquet_file
from startrail.adapters.exchange.avro_header import MAGIC, schema_in
from startrail.adapters.exchange.csv_file import csv_batches
from startrail.adapters.exchange.errors import SampleUnreadable, UnknownSample
from startrail.adapters.loader.blocks import Block, Unreadable, document, ndjson, opened
from startrail.base.text import printable
from startrail.model.packing import packing, unpacked_name
from startrail.model.source import Format
from startrail.ports.exchange import Batch, ColumnFacts, SampleForm

WHOLE = 256 << 20
"""Unpacked bytes up to which a file is read whole."""

_FORMATS: dict[str, Format] = {"csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json", "parquet": "parquet"}


class FileSamples:
    """See :class:`startrail.ports.exchange.Samples`. ``limit`` is for tests."""

    def __init__(self, limit: int = WHOLE) -> None:
        self._limit = limit

    def format_of(self, path: Path, form: SampleForm) -> Format:
        if not path.is_file():
            raise UnknownSample(f"there is no file {printable(str(path))}", hint="give a file, or a table as namespace.name")
        if form.format is not None:
            return form.format
        ending = unpacked_name(path.name).rpartition(".")[2]
        if ending not in _FORMATS:
            raise UnknownSample(
                f"the name {printable(path.name)} does not say what the file is",
                hint="add --format csv, ndjson, json or parquet",
            )
        return _FORMATS[ending]

    def texts(self, path: Path, form: SampleForm) -> Iterator[Batch]:
        format = self.format_of(path, form)
        with _told(path), opened(path, _media(path)) as file:
            if format == "csv":
                yield from csv_batches(file, form.dialect, self._limit)
            elif format == "ndjson":
                yield from self._lines(ndjson(file))
            else:
                if file.seekable() and path.stat().st_size > self._limit:
                    raise Unreadable(f"a JSON document of more than {self._limit >> 20} MB; give some of its records")
                yield from (_batch(block) for block in document(file, form.records))

    def described(self, path: Path) -> bytes:
        with _told(path):
            return parquet_file.described(path)

    def avro_schema(self, path: Path) -> bytes:
        with _told(path), path.open("rb") as file:
            head = file.read(len(MAGIC))
            file.seek(0)
            return schema_in(file) if head == MAGIC else file.read()

    def facts(self, path: Path) -> tuple[ColumnFacts, ...]:
        with _told(path):
            return parquet_file.facts(path)

    def _lines(self, blocks: Iterator[Block]) -> Iterator[Batch]:
        done = 0
        for block in blocks:
            if done > self._limit:
                yield Batch(cut=True)
                return
            done += len(block.lines)
            yield _batch(block)


def _batch(block: Block) -> Batch:
    if block.broken:
        return Batch(broken=tuple(f"{each.got} in one record" for each in block.broken.values()))
    return Batch(raws=tuple(line for line in block.lines.split(b"\n") if line and not line.isspace()))


def _media(path: Path) -> str:
    with path.open("rb") as file:
        return packing(file.read(4))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What goes wrong, told with the file's name."""
    try:
        yield
    except Unreadable as error:
        raise SampleUnreadable(f"{printable(path.name)}: {error.reason}", hint=_hint(error.reason)) from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise SampleUnreadable(f"{printable(path.name)} cannot be read: {reason}", hint="check the path") from error


def _hint(reason: str) -> str:
    if "--" in reason:
        return reason.partition("--")[1] + reason.partition("--")[2]
    return "look at the start of the file; --format says what it is"
