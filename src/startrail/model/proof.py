"""What an acknowledged drift left untouched, in figures that anybody can compute again.

The figures of a set of rows over some columns:

- ``rows``: how many.
- ``sums``: the exact sum of each column of whole numbers or decimals, null counted as nothing.
- ``checksum``: independent of the order of rows and of the engine. Each value is written as a text: a whole number or
  decimal in plain digits with its full scale, a boolean as ``true`` or ``false``, a date as days and a time, timestamp or
  instant as microseconds (since 1970-01-01, in UTC, or since midnight), a floating number as the 64 bits of its IEEE 754
  double, binary data as lower-case hexadecimal digits, a uuid in lower case, text as it is. A list is ``[`` items ``]``, a
  map ``{`` key, value, ... in order of keys ``}``, an object ``{`` its fields in order ``}``, with commas between. Each of
  those values, and each column of a row, stands as its length in characters, a colon and the text; null is ``-``. A row is
  its columns so written, in order of their names, with commas between. The MD5 of its UTF-8 bytes gives two halves of 64
  bits; the checksum is the sum of all first halves and the sum of all second halves, each modulo 2 to the 64th, as 32
  hexadecimal digits.
"""

from __future__ import annotations

import msgspec


class Figures(msgspec.Struct, frozen=True):
    """See above."""

    rows: int = 0
    sums: dict[str, str] = {}
    checksum: str = "0" * 32


class Compared(msgspec.Struct, frozen=True):
    """The same rows, seen twice. ``skipped`` says in words what could not be looked at."""

    deliveries: int
    columns: tuple[str, ...]
    before: Figures
    after: Figures
    skipped: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True):
    """``others``: rows of deliveries without the drift, in the snapshot before it and now. ``drifted``: rows of those with
    it, read from their landed bytes and as stored. None: there was nothing to compare; ``unproven`` says why."""

    table: str
    others: Compared | None = None
    drifted: Compared | None = None
    snapshot_before: int | None = None
    snapshot_now: int | None = None
    unproven: tuple[str, ...] = ()
