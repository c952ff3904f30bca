"""Avro data files (object container files, Avro specification 1.12) as records.

The container is taken apart here, so that a file that is cut off, a block that is damaged and a codec that nobody knows
are told apart; ``fastavro`` decodes a block's records all at once. Fields are matched by name, inner ones too.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

import msgspec

from startrail.adapters.loader.avro.schema import FileSchema, Kind, Make, read_schema
from startrail.adapters.loader.blocks import Block, Unreadable
from startrail.adapters.loader.errors import AvroMissing
from startrail.adapters.loader.shape import Shape
from startrail.base.text import printable
from startrail.model.contract import Contract

MAGIC = b"Obj\x01"
_SYNC = 16
_LARGEST = 256 << 20
"""Bytes of a block, packed or not."""
_RECORDS = 1024
"""Per block of lines."""
_WIDER = {
    ("int", "long"), ("float", "double"), ("timestamp", "date"),
}  # fmt: skip
"""(declared, in the file)."""


def avro(file: BinaryIO, contract: Contract, shape: Callable[[Shape], None]) -> Iterator[Block]:
    """Blocks of an Avro file; ``shape`` is told its fields first. Raises Unreadable when it is none, is damaged or lacks
    a required field, and AvroMissing (ST321)."""
    decode = _decoder()
    read = _Reading(file)
    meta, sync = read.header()
    schema = read_schema(meta.get("avro.schema", b""))
    unpack = _codec(meta.get("avro.codec", b"null").decode(errors="replace"))
    found = Shape.of(schema.names, contract)
    found.require(contract, "the file")
    shape(msgspec.structs.replace(found, widened=_widened(found.names, schema, contract)))
    line = _line(found.names, schema, contract)
    encode: Callable[[object], bytes] = msgspec.json.Encoder().encode
    number = 0
    while (size := read.count()) is not None:
        number += 1
        packed = read.sized()
        if read.exactly(_SYNC) != sync:
            raise _damaged(number, "no mark stands behind it")
        records = _records(decode, schema, size, _unpacked(unpack, packed, number), number)
        for start in range(0, len(records), _RECORDS):
            lines = b"\n".join([encode(line(record)) for record in records[start : start + _RECORDS]])
            yield Block(lines + b"\n")


def _decoder() -> Callable[[BinaryIO, Any], Any]:
    try:
        from fastavro import parse_schema, schemaless_reader
    except ImportError as error:
        raise AvroMissing(
            "reading Avro files needs fastavro, which is not installed", hint='pip install "startrail[avro]"'
        ) from error
    parsed: dict[int, Any] = {}

    def decode(data: BinaryIO, schema: Any) -> Any:
        if id(schema) not in parsed:
            parsed[id(schema)] = parse_schema(schema)
        return schemaless_reader(data, parsed[id(schema)], None)

    return decode


def _records(decode: Callable[[BinaryIO, Any], Any], schema: FileSchema, size: int, data: bytes, number: int) -> list[Any]:
    """A block's records, decoded as one array of them, that must be just as long as the block."""
    if not size:
        return []
    if size > max(len(data), 1):
        raise _damaged(number, f"it says {size} records, and has {len(data)} bytes")
    stream = BytesIO(_long(size) + data + b"\0")
    try:
        records = decode(stream, schema.array)
    except Exception as error:  # whatever damaged bytes lead a decoder to
        raise _damaged(number, f"{type(error).__name__}: {error}") from error
    if stream.read(1) or len(records) != size:
        raise _damaged(number, "its records end before it does")
    return records


def _line(names: tuple[str, ...], schema: FileSchema, contract: Contract) -> Callable[[dict[str, Any]], dict[str, Any]]:
    parts = [
        (f"f{at}", name, _midnight(kind) if _is_midnight(name, kind, contract) else kind.make)
        for at, (name, kind) in enumerate(zip(names, schema.kinds, strict=True))
    ]

    def line(record: dict[str, Any]) -> dict[str, Any]:
        return {name: record[at] if make is None else make(record[at]) for at, name, make in parts}

    return line


def _is_midnight(name: str, kind: Kind, contract: Contract) -> bool:
    """A date where a timestamp is declared is its midnight."""
    field = contract.field(name)
    return kind.name == "date" and field is not None and str(field.type) == "timestamp" and field.format.pattern is None


def _midnight(kind: Kind) -> Make:
    make = kind.make
    assert make is not None, "a date is made from days"

    def text(value: Any) -> str | None:
        found = make(value)
        return None if found is None else f"{found}T00:00:00"

    return text


def _widened(names: tuple[str, ...], schema: FileSchema, contract: Contract) -> tuple[tuple[str, str], ...]:
    found = []
    for name, kind in zip(names, schema.kinds, strict=True):
        field = contract.field(name)
        if field is not None and (str(field.type), kind.name) in _WIDER:
            found.append((name, kind.name))
    return tuple(found)


class _Reading:
    """The file from its beginning to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def header(self) -> tuple[dict[str, bytes], bytes]:
        """What it says about itself, and the mark that stands behind each block."""
        head = self._file.read(len(MAGIC))
        if not head:
            raise Unreadable("the file is empty", "truncated")
        if head != MAGIC:
            raise Unreadable("the file is no Avro data file: it does not begin like one")
        meta: dict[str, bytes] = {}
        while size := self.number():
            if size < 0:
                self.number()
            for _ in range(abs(size)):
                key = self.sized().decode(errors="replace")
                meta[key] = self.sized()
        return meta, self.exactly(_SYNC)

    def count(self) -> int | None:
        """Records of the block that begins here; None at the end of the file."""
        first = self._file.read(1)
        if not first:
            return None
        found = self._number(first)
        if found < 0:
            raise Unreadable("the Avro file is damaged: a block has fewer than no records")
        return found

    def number(self) -> int:
        return self._number(self.exactly(1))

    def _number(self, byte: bytes) -> int:
        """In zigzag, seven bits to a byte."""
        found = 0
        for shift in range(0, 70, 7):
            found |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return (found >> 1) ^ -(found & 1)
            byte = self.exactly(1)
        raise Unreadable("the Avro file is damaged: a number has no end")

    def sized(self) -> bytes:
        size = self.number()
        if not 0 <= size <= _LARGEST:
            raise Unreadable(f"the Avro file is damaged: a block of {size} bytes")
        return self.exactly(size)

    def exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise Unreadable("the Avro file is cut off", "truncated")
        return data


def _long(value: int) -> bytes:
    found, rest = bytearray(), value << 1
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])


def _unpacked(unpack: Callable[[bytes], bytes], packed: bytes, number: int) -> bytes:
    try:
        return unpack(packed)
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
        raise _damaged(number, str(error)) from error


def _damaged(number: int, why: str) -> Unreadable:
    return Unreadable(f"block {number} of the Avro file is damaged: {printable(why, 120)}")


def _codec(name: str) -> Callable[[bytes], bytes]:
    found = _CODECS.get(name)
    if found is None:
        raise Unreadable(f"the Avro file is packed with {printable(name, 40)!r}; known are {', '.join(_CODECS)}")
    return found


def _bounded(data: bytes, *, whole: bool) -> bytes:
    if len(data) > _LARGEST:
        raise ValueError(f"it unpacks to more than {_LARGEST} bytes")
    if not whole:
        raise ValueError("its packed bytes end too early")
    return data


def _deflate(packed: bytes) -> bytes:
    """Some writers leave the checksum of another container behind the packed bytes."""
    unpacker = zlib.decompressobj(-15)
    return _bounded(unpacker.decompress(packed, _LARGEST + 1), whole=unpacker.eof)


def _bzip2(packed: bytes) -> bytes:
    unpacker = bz2.BZ2Decompressor()
    return _bounded(unpacker.decompress(packed, _LARGEST + 1), whole=unpacker.eof)


def _xz(packed: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(memlimit=_LARGEST)
    return _bounded(unpacker.decompress(packed, _LARGEST + 1), whole=unpacker.eof)


def _snappy(packed: bytes) -> bytes:
    """Behind the packed bytes stands the checksum of the others."""
    import pyarrow

    size, shift = 0, 0
    for byte in packed[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > _LARGEST or len(packed) < 5:
        raise ValueError(f"{size} bytes")
    data = pyarrow.decompress(packed[:-4], decompressed_size=size, codec="snappy", asbytes=True)
    if zlib.crc32(data) != int.from_bytes(packed[-4:], "big"):
        raise ValueError("its checksum does not fit")
    return data


def _zstandard(packed: bytes) -> bytes:
    import pyarrow

    with pyarrow.CompressedInputStream(pyarrow.BufferReader(packed), "zstd") as stream:
        return _bounded(stream.read(_LARGEST + 1), whole=True)


_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes, "deflate": _deflate, "snappy": _snappy, "zstandard": _zstandard, "bzip2": _bzip2, "xz": _xz,
}  # fmt: skip
