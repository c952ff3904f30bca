"""Keys that mostly grow from record to record, as a few records of each block tell.

Where they do, a row whose key is not greater than the one before it is kept out of the large files, and becomes a row of a
file of its own: should it repeat a key, then only that small file is written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from startrail.adapters.loader.queries import Queries
from startrail.model.contract import Contract
from startrail.model.types import Primitive

_ODD = 50
"""One pair in so many may not grow, or more rows would be read again than is worth it."""
_LEAST = 20
_EACH = 4
"""Blocks of JSON lines of which one is looked at."""
_ORDERED = ("int", "long", "string", "date")


class Growing:
    """Of the first key that is one column whose texts can be compared."""

    def __init__(self, contract: Contract, queries: Queries) -> None:
        numbers = {field.name: at for at, field in enumerate(contract.fields)}
        ordered = {f.name for f in contract.fields if isinstance(f.type, Primitive) and f.type.name in _ORDERED}
        found = [key[0] for key in queries.unique_keys() if len(key) == 1 and key[0] in ordered]
        self.name = found[0] if found else None
        self._whole = bool(found) and queries.whole_numbers((found[0],))
        self._number = numbers[found[0]] if found else None
        self._pairs = 0
        self._odd = 0
        self._blocks = 0
        self._decode = msgspec.json.Decoder(dict[str, object]).decode_lines

    def look(self, texts: Sequence[str]) -> None:
        """The key in some records that follow each other."""
        for before, here in pairwise(texts):
            self._pairs += 1
            self._odd += not (before and here and self._less(before, here))

    def look_at(self, lines: bytes) -> None:
        """The same of two JSON lines of some blocks."""
        self._blocks += 1
        if self.name is None or self._blocks % _EACH:
            return
        try:
            records = self._decode(lines[: lines.find(b"\n", lines.find(b"\n") + 1) + 1])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        self.look([str(record.get(self.name, "")) for record in records])

    @property
    def field(self) -> int | None:
        """The field's number; None where its values do not grow."""
        return self._number if self._pairs >= _LEAST and self._odd * _ODD <= self._pairs else None

    def _less(self, before: str, here: str) -> bool:
        """As numbers without needless zeros, or as texts."""
        if not self._whole:
            return before < here
        below, under = before.startswith("-"), here.startswith("-")
        if below != under:
            return below
        order = (len(before), before) < (len(here), here)
        return order != below if before != here else False
