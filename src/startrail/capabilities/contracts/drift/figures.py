"""Figures of rows, as ``model/proof.py`` defines them: once as SQL over stored files, once in plain Python."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal as Number
from typing import Any

from startrail.model.proof import Figures
from startrail.model.table import Relation
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf
from startrail.ports.warehouse import Query, Warehouse

_LANE = 1 << 64
_NULL = "-"
_EPOCH = date(1970, 1, 1)

Columns = Mapping[str, DataType]
"""Names with their types, in any order."""


def stored(relations: Sequence[Relation], columns: Columns, warehouse: Warehouse) -> Figures:
    """Of all rows of the relations."""
    return added(_stored(relation, columns, warehouse) for relation in relations if relation.files)


def added(parts: Iterable[Figures]) -> Figures:
    """The figures of all rows, from those of parts of them."""
    rows, lanes, sums = 0, [0, 0], {}
    for part in parts:
        rows += part.rows
        lanes = [(lane + int(part.checksum[at : at + 16], 16)) % _LANE for lane, at in zip(lanes, (0, 16), strict=True)]
        for name, text in part.sums.items():
            sums[name] = sums.get(name, Number(0)) + Number(text)
    return Figures(rows, {name: f"{value:f}" for name, value in sums.items()}, f"{lanes[0]:016x}{lanes[1]:016x}")


class Tally:
    """Figures of rows seen one by one, as the judge's canonical records have them."""

    def __init__(self, columns: Columns) -> None:
        self._columns = sorted(columns.items())
        self._sums: dict[str, Any] = {name: 0 for name, kind in self._columns if summed(kind)}
        self._rows = 0
        self._lanes = [0, 0]

    def add(self, record: Mapping[str, Any]) -> None:
        """One row."""
        line = ",".join(token(record.get(name), kind) for name, kind in self._columns)
        mark = hashlib.md5(line.encode(), usedforsecurity=False).hexdigest()
        self._rows += 1
        self._lanes = [self._lanes[0] + int(mark[:16], 16), self._lanes[1] + int(mark[16:], 16)]
        for name in self._sums:
            value = record.get(name)
            if value is not None:
                self._sums[name] += Number(value)

    def figures(self) -> Figures:
        """Of what was added."""
        lanes = [lane % _LANE for lane in self._lanes]
        sums = {name: f"{Number(value):f}" for name, value in self._sums.items()}
        return Figures(self._rows, sums, f"{lanes[0]:016x}{lanes[1]:016x}")


def summed(kind: DataType) -> bool:
    """Whether the type's sums are exact."""
    return isinstance(kind, Decimal) or kind in (Primitive("int"), Primitive("long"))


def token(value: Any, kind: DataType) -> str:
    """A canonical value with its length before it."""
    if value is None:
        return _NULL
    text = _text(value, kind)
    return f"{len(text)}:{text}"


def _text(value: Any, kind: DataType) -> str:
    match kind:
        case ListOf(item=item):
            return "[" + ",".join(token(inner, item) for inner in value) + "]"
        case MapOf(key=key, value=inner):
            return "{" + ",".join(f"{token(name, key)},{token(value[name], inner)}" for name in sorted(value)) + "}"
        case StructOf(fields=fields):
            return "{" + ",".join(token(value.get(name), inner) for name, inner in fields) + "}"
        case Decimal():
            return f"{Number(value):.{kind.scale}f}"
        case _:
            return _SCALAR[kind.name](value)


def _bits(value: Any) -> str:
    return f"{struct.unpack('>Q', struct.pack('>d', float(value)))[0]:064b}"


def _single(value: Any) -> str:
    return _bits(struct.unpack(">f", struct.pack(">f", float(value)))[0])


def _instant(value: str) -> str:
    found = datetime.fromisoformat(value.removesuffix("Z")) - datetime(1970, 1, 1)
    return str((found.days * 86_400 + found.seconds) * 1_000_000 + found.microseconds)


def _clock(value: str) -> str:
    found = time.fromisoformat(value)
    return str(((found.hour * 60 + found.minute) * 60 + found.second) * 1_000_000 + found.microsecond)


_SCALAR: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "int": lambda value: str(int(value)),
    "long": lambda value: str(int(value)),
    "float": _single,
    "double": _bits,
    "date": lambda value: str((date.fromisoformat(value) - _EPOCH).days),
    "time": _clock,
    "timestamp": _instant,
    "timestamptz": _instant,
    "string": str,
    "binary": lambda value: b64decode(value).hex(),
    "uuid": lambda value: str(value).lower(),
}


def _stored(relation: Relation, columns: Columns, warehouse: Warehouse) -> Figures:
    quote = warehouse.quote
    tokens = [_token(quote(name), kind, quote) for name, kind in sorted(columns.items())]
    line = " || ',' || ".join(tokens) or "''"
    numbers = [name for name, kind in sorted(columns.items()) if summed(kind)]
    sums = "".join(f", CAST(coalesce(sum({quote(name)}), 0) AS VARCHAR)" for name in numbers)
    marked = f"SELECT *, md5({line}) AS mark FROM {quote(relation.name)}"
    lanes = ", ".join(
        f"CAST(coalesce(sum(CAST('0x' || {side}(mark, 16) AS UBIGINT)), 0) AS VARCHAR)" for side in ("left", "right")
    )
    (row,) = warehouse.fetch(Query(f"SELECT count(*), {lanes}{sums} FROM ({marked}) AS m", (relation,))).rows
    first, second = int(row[1]) % _LANE, int(row[2]) % _LANE
    found = {name: f"{Number(text):f}" for name, text in zip(numbers, row[3:], strict=True)}
    return Figures(int(row[0]), found, f"{first:016x}{second:016x}")


def _token(source: str, kind: DataType, quote: Callable[[str], str], depth: int = 0) -> str:
    text = _sql(source, kind, quote, depth)
    return f"CASE WHEN {source} IS NULL THEN '{_NULL}' ELSE CAST(length({text}) AS VARCHAR) || ':' || {text} END"


def _sql(source: str, kind: DataType, quote: Callable[[str], str], depth: int) -> str:
    variable = f"x{depth}"
    match kind:
        case ListOf(item=item):
            inner = _token(variable, item, quote, depth + 1)
            return f"('[' || array_to_string(list_transform({source}, lambda {variable}: {inner}), ',') || ']')"
        case MapOf(key=key, value=value):
            pair = (
                f"{_token(variable, key, quote, depth + 1)} || ',' || {_token(f'{source}[{variable}]', value, quote, depth + 1)}"
            )
            keys = f"list_sort(map_keys({source}))"
            return f"('{{' || array_to_string(list_transform({keys}, lambda {variable}: {pair}), ',') || '}}')"
        case StructOf(fields=fields):
            parts = " || ',' || ".join(_token(f"{source}.{quote(name)}", inner, quote, depth) for name, inner in fields)
            return f"('{{' || {parts} || '}}')"
        case Primitive(name="float" | "double"):
            return f"CAST(CAST(CAST({source} AS DOUBLE) AS BIT) AS VARCHAR)"
        case Primitive(name="date"):
            return f"CAST(datediff('day', DATE '1970-01-01', {source}) AS VARCHAR)"
        case Primitive(name="time" | "timestamp" | "timestamptz"):
            return f"CAST(epoch_us({source}) AS VARCHAR)"
        case Primitive(name="string"):
            return source
        case Primitive(name="binary"):
            return f"lower(hex({source}))"
        case _:
            return f"CAST({source} AS VARCHAR)"
