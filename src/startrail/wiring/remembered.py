"""What the ledger remembers, and beside it a file: a project that never ran has a ledger that keeps nothing yet."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from startrail.ports.memory import Memory
from startrail.wiring.cache import FileCache

_KIND = "remembered"
_Values = dict[str, dict[str, bytes]]


class Remembered:
    """A memory over another one. :meth:`save` writes what was used of it, and nothing when nothing is new."""

    def __init__(self, first: Memory, files: FileCache, key: str) -> None:
        self._first, self._files, self._key = first, files, key
        self._stored: _Values | None = None
        self._used: _Values = {}
        self._new = False

    def cached(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """From the first memory, then from the file."""
        wanted = list(keys)
        found = self._first.cached(kind, wanted)
        if len(found) < len(set(wanted)):
            beside = self._load().get(kind, {})
            more = {key: beside[key] for key in wanted if key not in found and key in beside}
            self._used.setdefault(kind, {}).update(more)
            found = found | more
        return found

    def cache(self, kind: str, values: dict[str, bytes]) -> None:
        """In both."""
        self._first.cache(kind, values)
        self._used.setdefault(kind, {}).update(values)
        self._new = True

    def save(self) -> None:
        """Write the file."""
        if self._new:
            self._files.put(_KIND, self._key, msgspec.msgpack.encode(self._used))

    def _load(self) -> _Values:
        if self._stored is None:
            value = self._files.get(_KIND, self._key)
            try:
                self._stored = msgspec.msgpack.decode(value, type=_Values) if value is not None else {}
            except msgspec.DecodeError:
                self._stored = {}
        return self._stored
