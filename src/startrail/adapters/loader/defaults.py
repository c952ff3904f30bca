"""Records that lack a field with a default, completed before they meet the gate.

Only what certainly means the default is written into a line: fields at the top whose format could not read it as
something else. The rest is left to the judge, which is slower and says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.canonical import plain
from startrail.model.contract import Contract, Field, Format
from startrail.model.exact import bound
from startrail.ports.loader import Drift, defaulted


class Filled(msgspec.Struct, frozen=True):
    """Complete ``lines``, and how many records took each default."""

    lines: bytes
    taken: dict[str, int]


class Defaults:
    """Of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._fields = {field.name: field for field in contract.fields if field.default is not None}
        self._members = {
            name: b'"%s":%s' % (_name(name), text.encode())
            for name, field in self._fields.items()
            if (text := default_text(field)) is not None
        }
        self._decode: Callable[[bytes], list[dict[str, msgspec.Raw]]]
        self._decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode_lines

    @property
    def some(self) -> bool:
        """Whether there is anything to fill in."""
        return bool(self._members)

    def fill(self, lines: bytes) -> Filled | None:
        """The lines with what they lack; None when they lack nothing, or cannot be read."""
        if not self._members:
            return None
        try:
            records = self._decode(lines)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        texts = lines.split(b"\n")
        texts.pop()
        if len(texts) != len(records):
            return None
        taken: dict[str, int] = {}
        for index, record in enumerate(records):
            lacking = [name for name in self._members if name not in record]
            if lacking:
                texts[index] = self._completed(texts[index].rstrip(), lacking, empty=not record)
                for name in lacking:
                    taken[name] = taken.get(name, 0) + 1
        return Filled(b"\n".join([*texts, b""]), taken) if taken else None

    def _completed(self, text: bytes, lacking: list[str], *, empty: bool) -> bytes:
        members = b",".join([self._members[name] for name in lacking])
        return text[:-1] + (b"" if empty else b",") + members + b"}"

    def literals(self, absent: Iterable[str]) -> dict[str, str]:
        """SQL values of those of the absent columns that have a default."""
        return {name: literal(self._fields[name]) for name in absent if name in self._fields}

    def told(self, taken: dict[str, int]) -> list[Drift]:
        """What taking these defaults is as drift."""
        return [
            Drift("defaulted", f"$.{name}", rows, defaulted(self._fields[name], "").got)
            for name, rows in taken.items()
            if rows and name in self._fields
        ]


def default_text(field: Field) -> str | None:
    """The default as JSON; None without one, and for one that the field's format might read as something else."""
    if field.default is None or not _certain(field):
        return None
    return msgspec.json.encode(plain(bound(field.default, field))).decode()


def literal(field: Field) -> str:
    """The default as a SQL value of the field's type."""
    value = plain(bound(field.default or "", field))
    text = sql.text(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return f"from_base64({text})" if str(field.type) == "binary" else f"CAST({text} AS {sql.word(field.type)})"


def _certain(field: Field) -> bool:
    """Whether the default's canonical text is read as just that under the field's format."""
    shape = field.format
    plain_form = msgspec.structs.replace(shape, timezone=None, true_words=Format().true_words, false_words=Format().false_words)
    return plain_form == Format()


def _name(name: str) -> bytes:
    return msgspec.json.encode(name)[1:-1]
