"""Types of ODCS: a logical type made exact by the physical type or an option, and patterns of dates.

The logical type decides the family; the physical type, which speaks the producer's dialect, only chooses
within it (``number`` + ``decimal(18,2)``, ``string`` + ``uuid``, ``integer`` + ``bigint``).
"""

from __future__ import annotations

import re

from startrail.model.types import DataType, Decimal, Primitive

WHOLE_NUMBERS: dict[str, tuple[DataType, int, int]] = {
    "i8": (Primitive("int"), -(2**7), 2**7 - 1),
    "u8": (Primitive("int"), 0, 2**8 - 1),
    "i16": (Primitive("int"), -(2**15), 2**15 - 1),
    "u16": (Primitive("int"), 0, 2**16 - 1),
    "i32": (Primitive("int"), -(2**31), 2**31 - 1),
    "u32": (Primitive("long"), 0, 2**32 - 1),
    "i64": (Primitive("long"), -(2**63), 2**63 - 1),
    "u64": (Decimal(20, 0), 0, 2**64 - 1),
}
"""What each integer format of the standard is kept as, and its bounds. 128 bits need more than 38 digits."""

_PHYSICAL: dict[str, str] = {
    "boolean": "boolean", "bool": "boolean",
    "int": "int", "integer": "int", "int4": "int", "int32": "int", "smallint": "int", "int2": "int", "tinyint": "int",
    "long": "long", "bigint": "long", "int8": "long", "int64": "long",
    "float": "float", "real": "float", "float4": "float", "float32": "float",
    "double": "double", "double precision": "double", "float8": "double", "float64": "double",
    "date": "date", "time": "time",
    "timestamp": "timestamp", "datetime": "timestamp", "timestamp_ntz": "timestamp", "timestamp without time zone": "timestamp",
    "timestamptz": "timestamptz", "timestamp_tz": "timestamptz", "timestamp with time zone": "timestamptz",
    "timestamp_ltz": "timestamptz", "datetimeoffset": "timestamptz",
    "string": "string", "text": "string", "varchar": "string", "char": "string", "nvarchar": "string",
    "character varying": "string",
    "uuid": "uuid", "binary": "binary", "bytea": "binary", "blob": "binary", "bytes": "binary", "varbinary": "binary",
}  # fmt: skip

_WITHIN: dict[str, tuple[str, ...]] = {
    "string": ("string", "uuid", "binary"),
    "integer": ("int", "long"),
    "number": ("float", "double", "int", "long"),
    "boolean": ("boolean",),
    "date": ("date",),
    "time": ("time",),
    "timestamp": ("timestamp", "timestamptz"),
}
"""Physical types that make a logical type exact. Others say how the producer stores it, which is not ours."""


def physical(text: str) -> DataType | None:
    """The type a physical type names in the usual dialects; None when it is not one of ours. Never raises."""
    words = " ".join(text.lower().split())
    number = re.fullmatch(r"(?:decimal|numeric|number)\s*\(\s*(\d{1,3})\s*(?:,\s*(\d{1,3})\s*)?\)", words)
    if number:
        precision, scale = int(number[1]), int(number[2] or 0)
        return Decimal(precision, scale) if 1 <= precision <= 38 and scale <= precision else None
    name = _PHYSICAL.get(re.sub(r"\s*\(\s*\w+(\s+\w+)?\s*\)", "", words))
    return Primitive(name) if name else None


def exact(logical: str, given: DataType | None) -> DataType | None:
    """``given`` when it makes the logical type exact, otherwise None."""
    if isinstance(given, Decimal):
        return given if logical == "number" or (logical == "integer" and given.scale == 0) else None
    if isinstance(given, Primitive) and given.name in _WITHIN.get(logical, ()):
        return given
    return None


_NEVER = frozenset(("boolean", "uuid", "binary"))
_FLAT = frozenset(("boolean", "uuid", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz"))
_CLASHES: dict[str, frozenset[str]] = {
    "integer": _NEVER | {"date", "time", "timestamp", "timestamptz"},
    "number": _NEVER | {"date", "time", "timestamp", "timestamptz"},
    "boolean": frozenset(("date", "time", "timestamp", "timestamptz", "uuid", "float", "double")),
    "date": _NEVER | {"time", "float", "double"},
    "time": _NEVER | {"date", "float", "double"},
    "timestamp": _NEVER | {"date", "time"},
    **dict.fromkeys(("object", "array", "map"), _FLAT),
}


def clash(logical: str, given: DataType | None) -> bool:
    """True when nothing that is stored as the physical type can be of the logical one. Text can be anything."""
    if isinstance(given, Decimal):
        return logical in ("date", "time", "object", "array", "map") or (logical == "boolean" and given.scale > 0)
    return isinstance(given, Primitive) and given.name in _CLASHES.get(logical, ())


def logical_of(given: DataType) -> str:
    """The logical type of a physical one, for a property that gives only that."""
    if isinstance(given, Decimal):
        return "number"
    name = str(given)
    if name in ("float", "double"):
        return "number"
    return next(logical for logical, names in _WITHIN.items() if name in names)


_PATTERN_LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "a": "%p",
    "DDD": "%j", "MMM": "%b", "MMMM": "%B", "EEE": "%a", "EEEE": "%A",
    "SSS": "%f", "SSSSSS": "%f", "X": "%z", "XX": "%z", "XXX": "%z", "xx": "%z", "xxx": "%z", "Z": "%z",
}  # fmt: skip
"""Letters of JDK DateTimeFormatter whose meaning is certain. Two-digit years and unpadded numbers are not."""


def strptime_pattern(text: str) -> str:
    """A JDK DateTimeFormatter pattern, or a strptime pattern (it has a %), as a strptime pattern.

    Raises ValueError with a sentence for letters that would need a guess.
    """
    if "%" in text:
        return _checked(text)
    out: list[str] = []
    for quoted, letters, other in _parts(text):
        out.append(_letters(letters, text) if letters is not None else other if quoted is None else quoted)
    return "".join(out)


def _parts(text: str) -> list[tuple[str | None, str | None, str]]:
    """Each part as (quoted text, letters, other); one of the three counts."""
    parts: list[tuple[str | None, str | None, str]] = []
    for match in re.finditer(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", text, re.DOTALL):
        quoted = match["quoted"]
        literal = quoted.replace("''", "'") or "'" if quoted is not None else None
        parts.append((literal, match["letters"], match["other"] or ""))
    return parts


def _letters(letters: str, text: str) -> str:
    found = _PATTERN_LETTERS.get(letters)
    if found is None:
        raise ValueError(f"'{letters}' in the format '{text}' has no certain meaning here")
    return found


_DIRECTIVES = frozenset("YmdHIMSfzpjbBaA%")


def _checked(text: str) -> str:
    for match in re.finditer(r"%(.?)", text, re.DOTALL):
        if match[1] not in _DIRECTIVES:
            raise ValueError(f"'%{match[1]}' in the format '{text}' has no certain meaning here")
    return text
