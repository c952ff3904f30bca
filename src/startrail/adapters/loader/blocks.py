"""Bytes into records: blocks of whole NDJSON lines, read once and never held as a whole.

Every format is brought to lines of JSON objects here, because that is what the gate and the engine read.
Blank lines are no records. A record's ordinal is its place among the records of the delivery, from 1.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast, overload

import msgspec
from isal import igzip
from isal.igzip_lib import IsalError

from startrail.adapters.archive.zstd import ZstdDamaged, open_zstd
from startrail.model.drift import DriftKind
from startrail.ports.loader import ORDINAL, Drift, Violation

BLOCK = 1 << 16
"""Bytes per block: blocks that stay in the processor's cache decode twice as fast as large ones."""
LONGEST = 16 << 20
"""A record with more bytes is set aside unread."""
KEPT = 1 << 20
"""Bytes kept of a record that is set aside."""
SKIP = b'{"' + ORDINAL.encode() + b'":0}\n'
"""The line that stands in the stream for a record that is not in it, so that line numbers stay ordinals."""
PACKED = ("+gzip", "+zstd")
"""How the media of compressed deliveries end."""
BOM = b"\xef\xbb\xbf"
_OTHERS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
"""Marks of UTF-16 and UTF-32."""


class Unreadable(Exception):
    """The delivery as a whole cannot be read; ``reason`` says why, for people, and ``drift`` what was seen."""

    def __init__(self, reason: str, kind: DriftKind = "unreadable", drift: tuple[Drift, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.drift = drift or (Drift(kind, "$", 0, reason),)


class Record(msgspec.Struct, frozen=True):
    """One record: ``line`` is its JSON for the judge, ``raw`` what stood in the delivery.

    With ``broken`` it could not even be brought to JSON, and there is nothing to judge.
    """

    line: bytes
    raw: bytes
    broken: Violation | None = None


class Block(msgspec.Struct, frozen=True):
    """Some records as JSON lines. ``raws`` are given when a line is not what stood in the delivery; the lines were
    then made by us, so the gate need not look at them. ``broken`` records have :data:`SKIP` for a line."""

    lines: bytes
    raws: tuple[bytes, ...] = ()
    broken: dict[int, Violation] = {}

    @property
    def own(self) -> bool:
        return bool(self.raws)

    @property
    def count(self) -> int:
        """How many records, where the lines are our own."""
        return len(self.raws)

    def sequence(self) -> Sequence[Record]:
        """All of them, each to be had by its index."""
        return _Records(self)

    def records(self) -> Iterator[Record]:
        """One by one, in order."""
        return iter(_Records(self))

    def refused(self) -> Iterator[tuple[int, Record]]:
        """The broken ones, with their indexes, in order."""
        records = self.sequence() if self.broken else ()
        return ((index, records[index]) for index in self.broken)


class _Records(Sequence[Record]):
    """Only those asked for are made."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._lines = [line for line in block.lines.split(b"\n") if line and not line.isspace()]

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        line, block = self._lines[index], self._block
        return Record(line, block.raws[index] if block.raws else line, block.broken.get(index))


@contextmanager
def opened(path: Path, media: str) -> Iterator[BinaryIO]:
    """The delivery's bytes, decompressed. A gzip stream that is cut off or damaged raises Unreadable."""
    try:
        if media.endswith("+gzip"):
            with igzip.open(path) as unzipped:
                yield cast(BinaryIO, unzipped)
        elif media.endswith("+zstd"):
            with path.open("rb") as packed:
                yield open_zstd(packed)
        else:
            with path.open("rb", buffering=BLOCK) as file:
                yield file
    except EOFError as error:
        raise Unreadable(f"the {media.rpartition('+')[2]} stream is cut off", "truncated") from error
    except (gzip.BadGzipFile, IsalError) as error:  # pyrefly: ignore[not-a-type]
        raise Unreadable(f"the gzip stream is damaged: {error}") from error
    except ZstdDamaged as error:
        raise Unreadable(f"the zstd stream is damaged: {error}") from error


def ndjson(file: BinaryIO) -> Iterator[Block]:
    """Blocks of an NDJSON file. Raises Unreadable when there is not a single byte."""
    data = file.read(BLOCK)
    if not data:
        raise Unreadable("the file is empty", "truncated")
    check_utf8(data)
    data = data.removeprefix(BOM)
    while data:
        if not data.endswith(b"\n"):
            data += file.readline(LONGEST)
        if len(data) > LONGEST:
            start = data.rfind(b"\n", 0, len(data) - 1) + 1
            if start:
                yield Block(data[:start])
            yield overlong(data[start:], file)
        else:
            yield Block(data)
        data = file.read(BLOCK)


def overlong(start: bytes, file: BinaryIO) -> Block:
    """The line that begins with ``start``. Beyond the limit only its start is kept, and the rest is passed over."""
    end = start[-1:]
    size = len(start)
    while end != b"\n" and (rest := file.readline(BLOCK)):
        size += len(rest)
        end = rest[-1:]
    size -= end == b"\n"
    if size <= LONGEST:
        return Block(start)
    return Block(SKIP, (start[:KEPT].removesuffix(b"\n"),), {0: too_long(size)})


def too_long(size: int) -> Violation:
    """What is wrong with a record of so many bytes."""
    return Violation("$", "malformed", f"a record of at most {LONGEST} bytes", f"{size} bytes")


def check_utf8(start: bytes) -> None:
    """Raises Unreadable for JSON in UTF-16 or UTF-32, which the standard of JSON forbids."""
    if start.startswith(_OTHERS) or (b"\0" in start[:2] and start[:4].strip(b"\0")[:1] in (b"{", b"[")):
        raise Unreadable("the file is in UTF-16 or UTF-32, and JSON is UTF-8", "other_encoding")


def document(file: BinaryIO, path: str) -> Iterator[Block]:
    """Blocks of the records that stand in one JSON document at ``path`` (``$``, ``$.data``, ``$.result.items``).

    Raises Unreadable when the document is not JSON or has no array there. An object stands for its one record.
    """
    data = file.read().removeprefix(BOM)
    if not data.strip():
        raise Unreadable("the file is empty", "truncated")
    check_utf8(data)
    try:
        raw = _descend(msgspec.Raw(data), path)
        raws = msgspec.json.decode(raw, type=list[msgspec.Raw]) if bytes(raw).lstrip()[:1] == b"[" else [raw]
    except RecursionError as error:
        raise Unreadable("the JSON document cannot be read: it is nested hundreds of levels deep") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = "truncated" if "truncated" in str(error) else "unreadable"
        raise Unreadable(f"the JSON document cannot be read: {error}", kind) from error
    for start in range(0, len(raws), 256):
        lines: list[bytes] = []
        for raw in raws[start : start + 256]:
            line = bytes(raw)
            if len(line) <= LONGEST:
                lines.append(_one_line(line))
                continue
            if lines:
                yield Block(b"\n".join(lines) + b"\n")
            yield Block(SKIP, (line[:KEPT],), {0: too_long(len(line))})
            lines = []
        if lines:
            yield Block(b"\n".join(lines) + b"\n")


def _descend(raw: msgspec.Raw, path: str) -> msgspec.Raw:
    for key in filter(None, path.removeprefix("$").split(".")):
        try:
            raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[key]
        except (KeyError, msgspec.ValidationError) as error:
            raise Unreadable(f"the JSON document has nothing at {path}") from error
    return raw


def _one_line(raw: bytes) -> bytes:
    """White space between tokens is the only place where JSON may break a line."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in raw or b"\r" in raw else raw
