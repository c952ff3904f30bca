"""Rows whose key may have been there before: put aside as they stand, and read once more by themselves.

They became rows once, and were taken out again, since hashes cannot tell whether a key really came twice. In files of their
own the engine can compare their keys with all others, and to leave some out writes no large file again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from ctypes import CDLL
from pathlib import Path

import msgspec

from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.native import lines as native_lines
from startrail.adapters.loader.native.lines import END, Lines
from startrail.adapters.loader.native.plan import NativePlan
from startrail.adapters.loader.native.stream import NativeReader, NativeStream
from startrail.adapters.loader.queries import Queries
from startrail.model.table import TableSchema
from startrail.ports.loader import LocalFile
from startrail.ports.store import disk_error


class Repeated:
    """Close it in the end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "repeated.lines"
        self._file = self._path.open("wb")
        self._ordinals = array("q")

    def add(self, ordinal: int, line: bytes) -> None:
        """``line`` as the library read it."""
        self._ordinals.append(ordinal)
        with self._errors():
            self._file.write(line + b"\n")

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()

    def staged(self, library: CDLL, plan: NativePlan, engine: Engine, queries: Queries, schema: TableSchema) -> list[LocalFile]:
        """Files of the rows. One that does not become a row again is in none of them."""
        if not self._ordinals:
            return []
        with self._errors():
            self._file.flush()
        plan = msgspec.structs.replace(plan, keys=())
        done = 0
        with (
            closing(NativeReader(library, plan, 1)) as reader,
            NativeStream(reader, engine, queries.native(plan), "repeated", schema) as stream,
            closing(reader.batches(self._lines())) as batches,
        ):
            for _, found in batches:
                for batch in found:
                    batch.number(self._ordinals, done)
                    done += batch.records
                    stream.push(batch, 0)
        return stream.files

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise disk_error(error, str(self._path), writing=True) from error

    def _lines(self) -> Iterator[Lines]:
        head = b""
        with self._path.open("rb") as file:
            while data := file.read(native_lines.CHUNK):
                lines, _, rest = data.rpartition(b"\n")
                if lines:
                    whole = b"".join((head, lines, b"\n"))
                    yield Lines(b"".join((whole, END)), 0, len(whole))
                    head = rest
                else:
                    head += data
