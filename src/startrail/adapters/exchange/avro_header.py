"""The schema that an Avro data file begins with (specification 1.12, object container files)."""

from __future__ import annotations

from typing import BinaryIO

from startrail.adapters.loader.blocks import Unreadable

MAGIC = b"Obj\x01"
_MOST = 16 << 20


def schema_in(file: BinaryIO) -> bytes:
    """The schema's JSON. Raises Unreadable; reads no more than the header."""
    data = file.read(_MOST)
    if not data.startswith(MAGIC):
        raise Unreadable("it is no Avro data file")
    reader = _Reader(data, len(MAGIC))
    while (count := reader.long()) != 0:
        if count < 0:
            reader.long()  # the size of the block in bytes, for those who skip it
        for _ in range(abs(count)):
            key, value = reader.take(), reader.take()
            if key == b"avro.schema":
                return value
    raise Unreadable("the header of the Avro file has no schema")


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def long(self) -> int:
        """A number in zigzag, seven bits to a byte."""
        found = 0
        for shift in range(0, 70, 7):
            if self._at >= len(self._data):
                break
            byte = self._data[self._at]
            self._at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (found >> 1) ^ -(found & 1)
        raise Unreadable("the header of the Avro file is cut off or damaged")

    def take(self) -> bytes:
        """Bytes with their length before them."""
        size = self.long()
        start, self._at = self._at, self._at + size
        if size < 0 or self._at > len(self._data):
            raise Unreadable("the header of the Avro file is cut off or damaged")
        return self._data[start : self._at]
