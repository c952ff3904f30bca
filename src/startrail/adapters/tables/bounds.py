"""Column bounds as bytes: the Iceberg specification's appendix D, binary single-value serialization.

Bounds let any engine skip files. Text and bytes are cut to sixteen characters, an upper bound being rounded up.
Values come as Parquet's statistics hold them: physical integers, floats and bytes.
"""

from __future__ import annotations

import struct
from typing import Any

from startrail.model.types import DataType, Decimal, Primitive

_CUT = 16
_STRING, _BINARY = Primitive("string"), Primitive("binary")
_PACK = {
    "boolean": struct.Struct("?"), "int": struct.Struct("<i"), "date": struct.Struct("<i"), "long": struct.Struct("<q"),
    "time": struct.Struct("<q"), "timestamp": struct.Struct("<q"), "timestamptz": struct.Struct("<q"),
    "float": struct.Struct("<f"), "double": struct.Struct("<d"),
}  # fmt: skip


def in_order(kind: DataType, raw: Any) -> Any:
    """The physical value as one that compares like the logical one."""
    if isinstance(kind, Decimal) and isinstance(raw, bytes):
        return int.from_bytes(raw, "big", signed=True)
    return raw


def lower_bound(kind: DataType, value: Any) -> bytes | None:
    """Bytes of something not greater than ``value``; None when there is no such thing (NaN)."""
    if kind == _STRING:
        return value.decode(errors="ignore")[:_CUT].encode()
    if kind == _BINARY:
        return value[:_CUT]
    return _plain(kind, value)


def upper_bound(kind: DataType, value: Any) -> bytes | None:
    """Bytes of something not less than ``value``; None when sixteen characters cannot say it."""
    if kind == _STRING:
        return _upper_text(value)
    if kind == _BINARY:
        return value if len(value) <= _CUT else _next_bytes(value[:_CUT])
    return _plain(kind, value)


def _plain(kind: DataType, value: Any) -> bytes | None:
    if isinstance(kind, Decimal):
        return value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True)
    if value != value:
        return None
    assert isinstance(kind, Primitive)
    packer = _PACK.get(kind.name)
    return packer.pack(value) if packer is not None else value


def _upper_text(value: bytes) -> bytes | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return value if len(text) <= _CUT else _next_text(text[:_CUT])


def _next_text(text: str) -> bytes | None:
    for at in range(len(text) - 1, -1, -1):
        point = ord(text[at]) + 1
        if 0xD800 <= point < 0xE000:  # surrogates are not characters
            point = 0xE000
        if point <= 0x10FFFF:
            return (text[:at] + chr(point)).encode()
    return None


def _next_bytes(value: bytes) -> bytes | None:
    for at in range(len(value) - 1, -1, -1):
        if value[at] < 255:
            return value[:at] + bytes([value[at] + 1])
    return None
