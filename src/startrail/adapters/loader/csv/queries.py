"""The SQL that takes a stream of CSV lines to typed rows.

The stream comes from ``csv_quick``: every line is one record, and null stands only in lines that are to be passed over.
Values are made in one query and judged in the query around it, because the engine does not share an expression that
stands within a CASE or an AND.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from startrail.adapters.loader.convert import Conversion, conversion
from startrail.adapters.loader.csv.quick import LONGEST_PLAIN
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.contract import Field
from startrail.model.types import Decimal, Primitive
from startrail.ports.loader import LoadTask

_BUFFER = 8 << 20
_NUL = "\0"
"""Stands for a record that is not in the stream, in each of its columns."""
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])", re.ASCII
)


class Habit(msgspec.Struct, frozen=True):
    """How a column's instants are mostly written: a strptime pattern that ends in a fixed zone."""

    length: int
    pattern: str
    zone: str

    @staticmethod
    def of(values: Iterable[str]) -> Habit | None:
        """The most frequent one of these values."""
        found = Counter((len(m[0]), m[1] is not None, m[2]) for value in values if (m := _INSTANT.fullmatch(value)))
        if not found:
            return None
        ((length, fraction, zone), _) = found.most_common(1)[0]
        return Habit(length, "%Y-%m-%dT%H:%M:%S" + (".%f" if fraction else "") + zone, zone)

    def value(self, source: str) -> str:
        """The instant; null for what is not written so."""
        parsed = f"epoch_us(TRY_STRPTIME({source}, {sql.text(self.pattern)}))"
        return f"make_timestamptz({parsed} - {self._offset()})" if self._offset() else f"make_timestamptz({parsed})"

    def shows(self, source: str) -> str:
        """Whether the text may be written so. ``TRY_STRPTIME`` passes over white space in front and at the end, where
        the zone stands, and takes fewer digits; what is too short in front is a year before 1000."""
        fewer = ".%f" in self.pattern and self.length - len(self.zone) < 26  # of six digits it takes no more
        point = f" AND {source}[20] = '.'" if fewer else ""
        return f"strlen({source}) = {self.length} AND ends_with({source}, {sql.text(self.zone)}){point}"

    def _offset(self) -> int:
        """Microseconds."""
        if self.zone == "Z":
            return 0
        minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:])
        return minutes * 60_000_000 * (-1 if self.zone[0] == "-" else 1)


class Numbered(msgspec.Struct, frozen=True):
    """Rows that come behind their ordinals, for another look. ``rows``: a query of ``v0``, ``v1`` and so on, ``extra`` and
    ``ordinal`` of those that are fine. ``doubts``: a query of ordinals and numbers whose bits say which fields are not."""

    rows: str
    doubts: str


_BITS = 60
"""Fields that one number tells of."""


def reader(path: str, task: LoadTask, width: int, null: str = _NUL, whole: int | None = None, *, numbered: bool = False) -> str:
    """Columns ``c0``, ``c1`` and so on, all text; what is written as ``null`` is null. ``whole``: behind so many lines every
    line is a record; otherwise one may go on within quotes, and where a record begins is only certain from the start on.
    ``numbered``: an ordinal stands in front of each."""
    columns = ", ".join([*(["ordinal: 'BIGINT'"] if numbered else []), *(f"c{at}: 'VARCHAR'" for at in range(width))])
    delimiter, quote = sql.text(task.dialect.delimiter), sql.text(task.dialect.quote)
    word = "chr(0)" if null == _NUL else sql.text(null)
    return (
        f"read_csv({path}, columns = {{{columns}}}, auto_detect = false, header = false, skip = {whole or 0}, "
        f"delim = {delimiter}, quote = {quote}, escape = {quote}, new_line = '\\n', nullstr = {word}, allow_quoted_nulls = true, "
        f"strict_mode = true, null_padding = false, compression = 'none', max_line_size = {3 * LONGEST_PLAIN}, "
        f"buffer_size = {_BUFFER}, parallel = {str(whole is not None).lower()})"
    )


def typed_rows(
    path: str,
    task: LoadTask,
    names: tuple[str, ...],
    habits: dict[str, Habit],
    absent: Mapping[str, str],
    whole: int | None = None,
    *,
    lined: bool = False,
) -> str:
    """A query of ``v0``, ``v1`` and so on, the values of the contract's fields; of ``extra``, and of ``fine``. ``absent``
    columns are not in the lines and have these values. ``whole``: behind so many lines every line is a record. ``lined``:
    every line is one, or is to be passed over."""
    parts = _Parts.of(task, names, habits, absent)
    fine = [condition for _, condition in parts.fine]
    there = None
    if whole is None and not (parts.empty and any(field.name in names and _exacting(field) for field in task.contract.fields)):
        there = "c0 IS DISTINCT FROM chr(0)" if parts.empty else "c0 IS NOT NULL"
        fine.insert(0, "there")
    lines = reader(path, task, len(names), parts.null, 0 if lined and whole is None else whole)
    made = parts.made(lines, None if there is None else (there, "there"))
    return f"SELECT {parts.columns}, extra, coalesce({' AND '.join(fine) or 'true'}, false) AS fine FROM ({made})"


def numbered_rows(
    path: str, task: LoadTask, names: tuple[str, ...], habits: dict[str, Habit], absent: Mapping[str, str]
) -> Numbered:
    """The same of lines that have an ordinal in front and are all there, with what is not fine field by field."""
    parts = _Parts.of(task, names, habits, absent)
    made = parts.made(reader(path, task, len(names), parts.null, numbered=True), ("ordinal", "ordinal"))
    fine = " AND ".join(condition for _, condition in parts.fine) or "true"
    bits = ["0" for _ in range(0, len(task.contract.fields), _BITS)]
    for index, condition in parts.fine:
        bits[index // _BITS] += f" + CASE WHEN {condition} THEN 0 ELSE {1 << index % _BITS} END"
    return Numbered(
        f"SELECT {parts.columns}, extra, ordinal FROM ({made}) WHERE {fine}",
        f"SELECT ordinal, {', '.join(f'CAST({each} AS BIGINT)' for each in bits)} FROM ({made})",
    )


def doubtful(bits: Sequence[int]) -> list[int]:
    """Which fields such numbers tell of."""
    return [word * _BITS + at for word, found in enumerate(bits) for at in range(found.bit_length()) if found >> at & 1]


class _Parts(msgspec.Struct, frozen=True):
    """Expressions over the columns of the lines, and over those in turn; ``fine``: conditions, each of the field of that
    number. ``empty``: see :func:`_only_empty`."""

    sources: list[str]
    values: list[str]
    fine: list[tuple[int, str]]
    columns: str
    empty: bool

    @property
    def null(self) -> str:
        return "" if self.empty else _NUL

    @staticmethod
    def of(task: LoadTask, names: tuple[str, ...], habits: dict[str, Habit], absent: Mapping[str, str]) -> _Parts:
        places = {name: f"c{at}" for at, name in enumerate(names)}
        fields, empty = task.contract.fields, _only_empty(task, names)
        sources: list[str] = []
        values: list[str] = []
        fine: list[tuple[int, str]] = []
        for index, field in enumerate(fields):
            if field.name in absent:
                values.append(f"{absent[field.name]} AS v{index}")
                continue
            source = _source(places.get(field.name), () if empty else _words(field, task))
            sources.append(f"{source} AS s{index}")
            habit = habits.get(field.name) if _iso(field) else None
            if habit is not None:
                sources.append(f"{habit.shows(places[field.name])} AS h{index}")
                values.append(f"h{index}")
            must = field.required or field.name in task.contract.primary_key
            found = _textual(field, index, habit, must)
            values += [f"s{index}", f"{found.value} AS v{index}"]
            if found.fine is not None:
                fine.append((index, found.fine))
        extra = _extra([(name, place) for name, place in places.items() if task.contract.field(name) is None])
        sources.append(f"{extra} AS extra")
        return _Parts(sources, values, fine, ", ".join(f"v{index}" for index in range(len(fields))), empty)

    def made(self, lines: str, also: tuple[str, str] | None) -> str:
        """``also``: one more expression, and its name."""
        sources = self.sources if also is None else [f"{also[0]} AS {also[1]}", *self.sources]
        values = self.values if also is None else [also[1], *self.values]
        return f"SELECT {', '.join(values)}, extra FROM (SELECT {', '.join(sources)} FROM {lines})"


def _exacting(field: Field) -> bool:
    """Whether no value of the field can be a NUL, so that a line that is to be passed over is not fine because of it."""
    kind = field.type
    return isinstance(kind, Decimal) or (
        isinstance(kind, Primitive) and kind.name not in ("string", "binary", "boolean") and field.format.pattern is None
    )


def _words(field: Field, task: LoadTask) -> tuple[str, ...]:
    return field.format.null_words if field.format.null_words is not None else task.dialect.null_words


def _only_empty(task: LoadTask, names: tuple[str, ...]) -> bool:
    """Whether in every column the empty text is null and nothing else is. Then the engine's reader can say so, which costs
    a third of a comparison. A column that nobody declared keeps its empty texts."""
    declared = {field.name: field for field in task.contract.fields}
    return all(name in declared and _words(declared[name], task) == ("",) for name in names)


def _source(place: str | None, words: tuple[str, ...]) -> str:
    if place is None:
        return "CAST(NULL AS VARCHAR)"
    return f"CASE WHEN {place} NOT IN ({', '.join(map(sql.text, words))}) THEN {place} END" if words else place


def _textual(field: Field, index: int, habit: Habit | None, must: bool) -> Conversion:
    """The value of ``s0`` and so on, and a condition in which it goes by ``v0`` and so on, and that it is written as usual
    by ``h0`` and so on."""
    source, name, usual = f"s{index}", f"v{index}", f"h{index}"
    plain = msgspec.structs.replace(field, format=msgspec.structs.replace(field.format, null_words=()))
    found = conversion(plain, source, "plain", must=must)
    value, fine = found.value, found.fine_of(name, source)
    if habit is None:
        return Conversion(value, fine)
    value = f"CASE WHEN {usual} THEN {habit.value(source)} ELSE {value} END"
    quick = f"{usual} AND {name} BETWEEN '1000-01-03' AND '9999-12-29'"
    return Conversion(value, f"CASE WHEN {quick} THEN true ELSE {fine} END")


def _iso(field: Field) -> bool:
    """Whether being an instant is all it has to be: without limits, or a pattern of its own."""
    bare = field.minimum is None and field.maximum is None and field.enum is None and field.format.pattern is None
    return bare and field.type == Primitive("timestamptz")


def _extra(unknown: list[tuple[str, str]]) -> str:
    if not unknown:
        return "CAST(NULL AS VARCHAR)"
    members = ", ".join(f"{sql.text(name)}, {place}" for name, place in unknown)
    return f"CAST(json_object({members}) AS VARCHAR)"
