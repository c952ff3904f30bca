"""Avro object container files, as Iceberg's manifests are.

pyiceberg's own file classes translate the schema anew for every file, which costs more than the few records
of a manifest, and take a file that was cut off for a shorter one; its fast decoder does not look where its bytes end,
so that a damaged length reads foreign memory or kills the process. Here record readers and writers are made once per
schema, a file must end where a block ends, and only bytes known to be undamaged meet the fast decoder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from pyiceberg.avro.codecs.deflate import DeflateCodec
from pyiceberg.avro.decoder import BinaryDecoder, StreamingBinaryDecoder, new_decoder
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.file import MAGIC, META_SCHEMA, SYNC_SIZE, AvroFileHeader
from pyiceberg.avro.reader import Reader
from pyiceberg.avro.resolver import construct_reader, construct_writer, resolve_reader
from pyiceberg.avro.writer import StructWriter, Writer
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

R = TypeVar("R", bound=Record)
_HEADER = construct_reader(META_SCHEMA, {-1: AvroFileHeader})


class _Encoder(BinaryEncoder):
    """pyiceberg's encoder without a call to a stream for every byte of a number."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, b: bytes) -> None:
        self._pieces.append(b)

    def write_int(self, integer: int) -> None:
        self._pieces.append(_SHORT[integer] if 0 <= integer < len(_SHORT) else _varint(integer))

    def written(self) -> bytes:
        return b"".join(self._pieces)


def _varint(integer: int) -> bytes:
    """Zig-zag, seven bits to a byte, the least significant ones first (Avro specification, int and long)."""
    rest = (integer << 1) ^ (integer >> 63)
    found = bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)


_SHORT = tuple(_varint(integer) for integer in range(2048))


class Rewritten(Record):
    """A record inside others that is written many times and never changes: it keeps its bytes."""

    encoded: bytes | None = None


@dataclass(frozen=True)
class _OnceWriter(Writer):
    """Encodes a Rewritten record the first time."""

    inner: Writer

    def write(self, encoder: BinaryEncoder, val: Rewritten) -> None:
        if val.encoded is None:
            first = _Encoder()
            self.inner.write(first, val)
            val.encoded = first.written()
        encoder.write(val.encoded)


def _writer(schema: Schema, types: dict[int, Callable[..., Any]]) -> Writer:
    """pyiceberg's writer of a record, with the fields that are Rewritten encoded once."""
    whole = construct_writer(schema)
    assert isinstance(whole, StructWriter)
    kinds = [types.get(field.field_id) for field in schema.fields]
    once = [isinstance(kind, type) and issubclass(kind, Rewritten) for kind in kinds]
    return StructWriter(
        tuple((at, _OnceWriter(inner) if one else inner) for (at, inner), one in zip(whole.field_writers, once, strict=True))
    )


class Form(Generic[R]):
    """One kind of file: its record name and schema, and the classes that its records become by field id."""

    def __init__(
        self, name: str, schema: Schema, types: dict[int, Callable[..., Any]], enums: dict[int, Callable[..., Enum]]
    ) -> None:
        self._schema, self._types, self._enums = schema, types, enums
        self._writer = _writer(schema, types)
        self._avro = json.dumps(AvroSchemaConversion().iceberg_to_avro(schema, schema_name=name))
        self._readers: dict[str, Reader] = {}

    def write(self, meta: dict[str, str], records: Sequence[R]) -> bytes:
        """A whole file; without a block when there are no records."""
        sync = os.urandom(SYNC_SIZE)
        encoder = _Encoder()
        encoder.write(MAGIC)
        header = {**meta, "avro.schema": self._avro, "avro.codec": "deflate"}
        encoder.write_int(len(header))
        for key, value in header.items():
            encoder.write_utf8(key)
            encoder.write_utf8(value)
        encoder.write_int(0)
        encoder.write(sync)
        if records:
            block, _ = DeflateCodec.compress(self._encoded(records))
            encoder.write_int(len(records))
            encoder.write_bytes(block)
            encoder.write(sync)
        return encoder.written()

    def _encoded(self, records: Sequence[R]) -> bytes:
        encoder = _Encoder()
        for record in records:
            self._writer.write(encoder, record)
        return encoder.written()

    def read(self, data: bytes, *, verified: bool) -> list[R]:
        """All records. Raises whatever decoding raises when the bytes are not such a file.

        ``verified``: the bytes are known to be those that :meth:`write` once returned.
        """
        decode: Callable[[bytes], BinaryDecoder] = new_decoder if verified else StreamingBinaryDecoder
        decoder = decode(data)
        header: AvroFileHeader = _HEADER.read(decoder)
        if header.magic != MAGIC:
            raise ValueError("it is not an Avro file")
        reader = self._reader(header)
        codec = header.compression_codec()
        records: list[R] = []
        while decoder.tell() < len(data):
            count = decoder.read_int()
            block = decoder.read_bytes()
            if decoder.read(SYNC_SIZE) != header.sync:
                raise ValueError("a block does not end where it should")
            content = codec.decompress(block) if codec is not None else block
            inside = decode(content)
            records.extend(reader.read(inside) for _ in range(count))
            if inside.tell() != len(content):
                raise ValueError("a block holds more than its records")
        return records

    def _reader(self, header: AvroFileHeader) -> Reader:
        """The reader for the schema that a file was written with. Nearly all files of a store share theirs."""
        text = header.meta["avro.schema"]
        reader = self._readers.get(text)
        if reader is None:
            reader = resolve_reader(header.get_schema(), self._schema, self._types, self._enums)
            if len(self._readers) < 64:
                self._readers[text] = reader
        return reader
