"""Reading again only the fields whose promises changed, of NDJSON that was loaded under the old ones.

Every other field keeps its decision, since nothing that decides it is different. A record's values are looked at in
three ways, each only where the one before is not sure: by types that msgspec checks on whole blocks, by a grammar for
each value, by the judge, who is asked once for each different value. What a record might mean beyond that (a field under
another name, a record that is none) raises NotSure, and the delivery is read as a whole.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from startrail.adapters.loader.aside import Aside
from startrail.adapters.loader.blocks import Block, Record, Unreadable, ndjson, opened
from startrail.model.contract import Field
from startrail.model.types import Decimal, Primitive
from startrail.ports.loader import Drift, Judge, Progress, Violation
from startrail.ports.rehearsal import RehearsalTask

_INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
_REMEMBERED = 100_000
_EACH = 3
"""Records kept of one kind of violation, as examples."""
_TELL_EVERY = 8_000_000
_ASCII_ESCAPED = re.compile(rb"\\u00[2-7]")
_KELVIN = (b"\xe2\x84\xaa", b"\\u212")
"""The one sign beyond ASCII that is an ASCII letter in lower case."""
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-9]):[0-5][0-9])"
_DAY = r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_CERTAIN = {
    "date": _DAY,
    "time": _CLOCK,
    "timestamp": f"{_DAY}[T ]{_CLOCK}",
    "timestamptz": f"{_DAY}[T ]{_CLOCK}{_OFFSET}",
    "uuid": "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "string": r"[^\\]*",
}
"""Text that certainly is of its type; other text may be."""


class NotSure(Exception):
    """Some fields do not say it; the delivery must be read as a whole."""


class PartRead:
    """What was found. ``ordinals`` and ``kinds`` are pairs: this record breaks ``violations[kind]``."""

    def __init__(self, task: RehearsalTask) -> None:
        self.rows_in = 0
        self.newly_refused = 0
        self.let_in = 0
        self.ordinals = array("q")
        self.kinds = array("i")
        self.violations: list[Violation] = []
        self.raws: dict[int, str] = {}
        self.unnamed: set[str] = set()
        """Fields whose name stands nowhere in the delivery."""
        self.also: tuple[Drift, ...] = ()
        """Seen in records that were refused before, and are again."""
        self._task = task

    def drift(self, loaded: int) -> tuple[Drift, ...]:
        """All that the loader would have seen, the most frequent first. Raises NotSure where a sample decides more."""
        part, contract = self._task.part, self._task.load.contract
        assert part is not None
        mine = tuple(f"$.{name}" for name in part.fields)
        found = [drift for drift in part.drift if drift.path not in mine and (loaded or drift.kind != "missing_optional")]
        seen = self._tallied()
        for drift in self.also:
            if drift.path in mine and drift.kind != "new_field":
                rows, sample = seen.get((drift.kind, drift.path), (0, drift.sample))
                seen[drift.kind, drift.path] = (rows + drift.rows, sample)
        for (kind, path), (rows, sample) in seen.items():
            field = contract.field(path.removeprefix("$."))
            number = field is not None and str(field.type).startswith(("decimal", "float", "double"))
            if number and kind in ("wrong_type", "wrong_format") and rows * 10 >= self.rows_in:
                raise NotSure("which sample is the first may decide about the decimal separator")
            if kind == "null_in_required" and rows == self.rows_in and path.removeprefix("$.") in self.unnamed:
                found.append(Drift("missing_required", path, rows))
            else:
                found.append(Drift(kind, path, rows, sample))
        if loaded:
            optional = sorted(self.unnamed - part.required)
            found += [Drift("missing_optional", f"$.{name}", self.rows_in) for name in optional]
        return tuple(sorted(found, key=lambda drift: (-drift.rows, drift.path)))

    def _tallied(self) -> dict[tuple[Any, str], tuple[int, str]]:
        found: dict[tuple[Any, str], tuple[int, str]] = {}
        for kind, rows in Counter(self.kinds).items():
            violation = self.violations[kind]
            before, sample = found.get((violation.rule, violation.path), (0, violation.got))
            found[violation.rule, violation.path] = (before + rows, sample)
        return found


class FieldsAgain:
    """``refused``: ordinals of the records that were refused, ascending; ``aside`` judges them again as a whole.
    ``part`` judges records of only these fields."""

    def __init__(self, task: RehearsalTask, refused: list[int], part: Judge, aside: Aside) -> None:
        assert task.part is not None
        contract = task.load.contract
        self._task = task
        self._refused = refused
        self._refused_before = frozenset(refused)
        self._at = 0
        self._judge = part
        self._aside = aside
        self._fields = [field for name in task.part.fields if (field := contract.field(name)) is not None]
        self._must = [field.name in task.part.required for field in self._fields]
        self._quick = _quick_decoder(self._fields)
        self._raw = _decoder([msgspec.Raw] * len(self._fields), self._fields)
        self._certain = [_certain(field) for field in self._fields]
        self._getters = [attrgetter(f"f{index}") for index in range(len(self._fields))]
        self._names = [(f'"{field.name}"'.encode(), _named(field.name)) for field in self._fields]
        self._signs = _KELVIN if any("k" in field.name.lower() for field in self._fields) else ()
        self._aliases = [f'"{alias}"'.encode() for field in self._fields for alias in field.aliases]
        self._known: dict[tuple[bytes | None, ...], tuple[int, ...]] = {}
        self._codes: dict[Violation, int] = {}
        self._kept: Counter[int] = Counter()
        self.found = PartRead(task)
        self.found.unnamed = {field.name for field in self._fields}

    def read(self, path: Path, progress: Progress) -> PartRead:
        """Raises NotSure."""
        done = told = 0
        with _readable(), opened(path, self._task.load.media) as file:
            for block in ndjson(file):
                self._block(block)
                done += len(block.lines)
                if done - told >= _TELL_EVERY:
                    told = done
                    progress(done, 0)
        if self._at != len(self._refused):
            raise NotSure("there are fewer records than are recorded")
        if not self.found.rows_in:
            raise NotSure("there is no record")
        self.found.also = tuple(drift for drift in self._aside.drift() if drift.kind != "new_field")
        self.found.let_in = self._aside.saved_rows
        return self.found

    def _block(self, block: Block) -> None:
        first = self.found.rows_in + 1
        lines = block.lines if block.lines.endswith(b"\n") else block.lines + b"\n"
        if block.own:
            count, broken = sum(1 for _ in block.records()), []
        else:
            for name in [name for name in self.found.unnamed if f'"{name}"'.encode() in lines]:
                self.found.unnamed.discard(name)
            count, broken = self._decided(lines, block)
        self.found.rows_in += count
        again = self._again(first, count)
        if again:
            records = list(block.records())
            if len(records) != count:
                raise NotSure("not a record a line")
            for ordinal in again:
                self._aside.decide(ordinal, records[ordinal - first])
        if block.own and len(again) != count:
            raise NotSure("a record that cannot be read is recorded as loaded")
        if broken:
            self._note(first, broken, set(again), lines)

    def _again(self, first: int, count: int) -> list[int]:
        """Of these records, those that were refused before."""
        start = self._at
        while self._at < len(self._refused) and self._refused[self._at] < first + count:
            self._at += 1
        return self._refused[start : self._at]

    def _decided(self, lines: bytes, block: Block) -> tuple[int, list[tuple[int, tuple[int, ...]]]]:
        """How many records there are, and which of them break what."""
        if self._quick is not None and b"\\u0000" not in lines:
            with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                records = self._quick(lines)
                columns = [list(map(getter, records)) for getter in self._getters]
                return len(records), self._absent(columns, lines)
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            records = self._raw(lines)
            return len(records), list(self._values(records, lines))
        return self._one_by_one(block)

    def _absent(self, columns: list[list[Any]], lines: bytes) -> list[tuple[int, tuple[int, ...]]]:
        """All values that are there are fine; those that are not may not be missing."""
        self._check_names(columns, lines)
        empty = [index for index, must in enumerate(self._must) if must and None in columns[index]]
        if not empty:
            return []
        if len(empty) == 1:
            key = tuple(None if place == empty[0] else b"" for place in range(len(columns)))
            kinds = self._kinds_of_null(key, empty[0])
            return [(row, kinds) for row, value in enumerate(columns[empty[0]]) if value is None] if kinds else []
        found: dict[int, list[int]] = {}
        for index in empty:
            key = tuple(None if place == index else b"" for place in range(len(columns)))
            kinds = self._kinds_of_null(key, index)
            for row, value in enumerate(columns[index]):
                if value is None:
                    found.setdefault(row, []).extend(kinds)
        return [(row, tuple(kinds)) for row, kinds in sorted(found.items())]

    def _kinds_of_null(self, key: tuple[bytes | None, ...], index: int) -> tuple[int, ...]:
        if key not in self._known:
            judged = self._judge(b"{}")
            path = f"$.{self._fields[index].name}"
            self._known[key] = tuple(self._code(violation) for violation in judged.violations if violation.path == path)
        return self._known[key]

    def _values(self, records: list[Any], lines: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Each value by its text."""
        columns = [[_present(raw) for raw in map(getter, records)] for getter in self._getters]
        self._check_names(columns, lines)
        unsure: set[int] = set()
        for column, certain, must in zip(columns, self._certain, self._must, strict=True):
            unsure.update(
                row for row, value in enumerate(column) if (must if value is None else certain is None or not certain(value))
            )
        for row in sorted(unsure):
            key = tuple([column[row] for column in columns])
            kinds = self._known.get(key)
            if kinds is None:
                kinds = self._asked(key)
            if kinds:
                yield row, kinds

    def _asked(self, key: tuple[bytes | None, ...]) -> tuple[int, ...]:
        named = zip(self._fields, key, strict=True)
        record = b"{" + b",".join(b'"%s":%s' % (f.name.encode(), raw) for f, raw in named if raw is not None) + b"}"
        kinds = tuple(self._code(violation) for violation in self._judge(record).violations)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = kinds
        return kinds

    def _one_by_one(self, block: Block) -> tuple[int, list[tuple[int, tuple[int, ...]]]]:
        """A block with a record that is no record: it was refused before, or we are not sure."""
        found: list[tuple[int, tuple[int, ...]]] = []
        count = 0
        for row, record in enumerate(block.records()):
            count += 1
            try:
                one = self._raw(record.line + b"\n")
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._must_be_refused(row, record)
                continue
            if len(one) != 1:
                raise NotSure("not a record a line")
            found += [(row, kinds) for _, kinds in self._values(one, record.line)]
        return count, found

    def _must_be_refused(self, row: int, record: Record) -> None:
        """Otherwise it would be loaded, and what it holds is not known here."""
        ordinal = self.found.rows_in + 1 + row
        if ordinal not in self._refused_before:
            raise NotSure("a record that cannot be read is recorded as loaded")

    def _note(self, first: int, broken: list[tuple[int, tuple[int, ...]]], again: set[int], lines: bytes) -> None:
        texts: list[bytes] | None = None
        ordinals, codes, found = self.found.ordinals, self.found.kinds, self.found
        same = broken[0][1]
        if not again and all(kinds is same for _, kinds in broken) and all(self._kept[kind] >= _EACH for kind in same):
            found.newly_refused += len(broken)
            for kind in same:
                ordinals.extend([first + row for row, _ in broken])
                codes.extend([kind] * len(broken))
            return
        for row, kinds in broken:
            ordinal = first + row
            if again and ordinal in again:
                continue
            found.newly_refused += 1
            for kind in kinds:
                ordinals.append(ordinal)
                codes.append(kind)
                if self._kept[kind] < _EACH:
                    self._kept[kind] += 1
                    if texts is None:
                        texts = _texts(lines)
                    found.raws[ordinal] = texts[row].decode(errors="backslashreplace")

    def _code(self, violation: Violation) -> int:
        code = self._codes.setdefault(violation, len(self._codes))
        if code == len(self.found.violations):
            self.found.violations.append(violation)
        return code

    def _check_names(self, columns: list[list[Any]], lines: bytes) -> None:
        """Raises NotSure where a field that seems absent may be there under an alias or in other letter case."""
        absent = [column.count(None) for column in columns]
        if not any(absent):
            return
        if max(absent) < len(columns[0]):
            lacking = {row for column in columns if None in column for row, value in enumerate(column) if value is None}
            texts = _texts(lines)
            if len(texts) != len(columns[0]):
                raise NotSure("not a record a line")
            lines = b"\n".join([texts[row] for row in lacking])
        if any(alias in lines for alias in self._aliases):
            raise NotSure("a field may be there under an alias")
        if (b"\\u00" in lines and _ASCII_ESCAPED.search(lines)) or any(sign in lines for sign in self._signs):
            raise NotSure("a name may be written with escapes")
        lowered = lines.lower()
        for name, pattern in self._names:
            times = lowered.count(name.lower())
            if times and times != lines.count(name) and any(match != name for match in pattern.findall(lines)):
                raise NotSure("a field may be there in other letter case")


@contextmanager
def _readable() -> Iterator[None]:
    """What cannot be read is left to the reader of everything."""
    try:
        yield
    except Unreadable as error:
        raise NotSure(error.reason) from error


def _texts(lines: bytes) -> list[bytes]:
    return [text for text in lines.split(b"\n") if text and not text.isspace()]


def _named(name: str) -> re.Pattern[bytes]:
    return re.compile(rb'(?i)("' + re.escape(name.encode()) + rb'")\s*:')


def _present(raw: msgspec.Raw | None) -> bytes | None:
    """A value's JSON text; None where there is none, or null."""
    return None if raw is None or (text := bytes(raw)) == b"null" else text


def _decoder(kinds: list[Any], fields: list[Field]) -> Callable[[bytes], list[Any]]:
    """A raw value is not made optional: where a value may be raw or null, msgspec takes only null."""
    names = {f"f{index}": field.name for index, field in enumerate(fields)}
    members = [
        (attribute, kind if kind is msgspec.Raw else kind | None, None) for attribute, kind in zip(names, kinds, strict=True)
    ]
    struct = msgspec.defstruct("Part", members, rename=names.__getitem__, gc=False)
    return msgspec.json.Decoder(struct).decode_lines


def _quick_decoder(fields: list[Field]) -> Callable[[bytes], list[Any]] | None:
    """A decoder that takes only blocks in which every value that is there certainly keeps its promise."""
    kinds = [_quick(field) for field in fields]
    return None if any(kind is None for kind in kinds) else _decoder(kinds, fields)


def _quick(field: Field) -> Any:
    kind = field.type
    if field.format.null_words or field.pattern is not None or not isinstance(kind, Primitive):
        return None
    match kind.name:
        case "boolean":
            return bool if field.enum is None else None
        case "int" | "long" if field.enum is None:
            low, high = _INTEGERS[kind.name]
            try:
                low = low if field.minimum is None else max(low, int(field.minimum))
                high = high if field.maximum is None else min(high, int(field.maximum))
            except ValueError:
                return None
            return Annotated[int, msgspec.Meta(ge=low, le=high)] if low <= high else None
        case "string" if field.minimum is None and field.maximum is None:
            if field.enum is not None:
                plain = field.enum and field.min_length is None and field.max_length is None
                return Literal[field.enum] if plain else None  # type: ignore[bad-specialization]
            return Annotated[str, msgspec.Meta(min_length=field.min_length, max_length=field.max_length)]
    return None


def _certain(field: Field) -> Callable[[Any], Any] | None:
    """Whether a value's JSON text certainly keeps the promise; None = only the judge can say."""
    kind, form = field.type, field.format
    limits = (field.enum, field.minimum, field.maximum, field.pattern, field.min_length, field.max_length)
    if any(limit is not None for limit in limits) or form.pattern or form.null_words or form.decimal_separator != ".":
        return None
    if isinstance(kind, Decimal):
        whole = kind.precision - kind.scale
        digits = rf"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
        fraction = rf"(?:\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
        return re.compile(rf'"-?{digits}{fraction}"|-?{digits}{fraction}'.encode()).fullmatch
    name = kind.name if isinstance(kind, Primitive) else ""
    if name not in _CERTAIN:
        return None
    return re.compile(b'"' + _CERTAIN[name].encode() + b'"').fullmatch
