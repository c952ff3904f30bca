"""What was copied, remembered beside the copies: for a function that has no database.

Each fact is an object of its own, written when what it tells is done; a newer one about the same thing takes its place. Now and
then they are gathered into one index. Indexes are numbered and written only when the number is free, so that of two processes
one gathers; what is gathered is removed afterwards. A process may die anywhere: an index and a fact may tell the same then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from startrail.base.ids import fingerprint
from startrail.model.run import Lease, NewFact
from startrail.model.step import Fact
from startrail.ports.feed import Seen
from startrail.ports.store import Store

_GATHER_FROM = 64
_NUMBER = 12


class _About(msgspec.Struct):
    """What tells two facts of one kind and subject apart."""

    name: str = ""
    message: str = ""


class _Kept(msgspec.Struct, frozen=True):
    at: datetime
    kind: str
    subject: str
    payload: str


class BucketMemory:
    """Under ``prefix`` of a store. It is read once, when it is opened, by one writer at a time."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store, self._prefix = store, prefix
        self._kept: dict[str, _Kept] = {}
        self._loose: list[str] = []
        self._index = 0
        self._growing: dict[str, dict[str, str]] = {}
        self._read()

    def append(self, facts: Sequence[NewFact], *, run: str | None, at: datetime) -> None:
        for fact in facts:
            about = msgspec.json.decode(fact.payload, type=_About)
            name = fingerprint(fact.kind, fact.subject, about.name, about.message)
            kept = _Kept(at, fact.kind, fact.subject, fact.payload)
            self._store.put(self._fact(name), msgspec.json.encode({name: kept}))
            self._kept.pop(name, None)  # the newest comes last
            self._kept[name] = kept
            self._loose.append(self._fact(name))

    def newest_fact(self, kind: str, subject: str) -> Fact | None:
        return next(iter(reversed(list(self.facts(kind=kind, subject=subject)))), None)

    def facts(self, *, kind: str | None = None, subject: str | None = None) -> Iterator[Fact]:
        for number, kept in enumerate(self._kept.values(), start=1):
            if kind in (None, kept.kind) and subject in (None, kept.subject):
                yield Fact(number, kept.at, kept.kind, kept.subject, None, kept.payload, "", "")

    def record_growing(self, source: str, growing: dict[str, str], lease: Lease) -> None:
        if growing != self.seen(source).growing:
            self._store.put(self._of_growing(source), msgspec.json.encode(growing))
            self._growing[source] = dict(growing)

    def seen(self, source: str) -> Seen:
        if source not in self._growing:
            key = self._of_growing(source)
            is_there = any(found.key == key for found in self._store.list(key))
            self._growing[source] = msgspec.json.decode(self._store.get(key), type=dict[str, str]) if is_there else {}
        return Seen(growing=dict(self._growing[source]))

    def close(self) -> None:
        """Gather what lies loose, when that is much."""
        if len(self._loose) < _GATHER_FROM:
            return
        content = msgspec.json.encode(self._kept)
        if not self._store.put_if_absent(self._numbered(self._index + 1), content):
            return  # somebody else gathers
        for key in dict.fromkeys(self._loose):
            self._store.delete(key)
        if self._index:
            self._store.delete(self._numbered(self._index))

    def _read(self) -> None:
        indexes = sorted(found.key for found in self._store.list(f"{self._prefix}index/"))
        if indexes:
            self._index = int(indexes[-1].rpartition("/")[2])
            self._kept = msgspec.json.decode(self._store.get(indexes[-1]), type=dict[str, _Kept])
        for found in list(self._store.list(f"{self._prefix}facts/")):
            for name, kept in msgspec.json.decode(self._store.get(found.key), type=dict[str, _Kept]).items():
                if name not in self._kept or self._kept[name].at <= kept.at:
                    self._kept[name] = kept
            self._loose.append(found.key)
        self._kept = dict(sorted(self._kept.items(), key=lambda each: each[1].at))

    def _fact(self, name: str) -> str:
        return f"{self._prefix}facts/{name}"

    def _numbered(self, number: int) -> str:
        return f"{self._prefix}index/{number:0{_NUMBER}d}"

    def _of_growing(self, source: str) -> str:
        return f"{self._prefix}growing/{fingerprint(source)}"
