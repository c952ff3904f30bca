"""Tables whose states are remembered between processes, so that looking at them needs no Iceberg library.

A metadata file never changes, so what it says can be kept under its address for as long as one likes.
Imports nothing heavy: the library is loaded by ``open``, at the first question that the cache cannot answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Protocol

import msgspec

from startrail.model.evolution import assign_ids
from startrail.model.table import DataFile, Pointer, Prepared, TableChange, TableSchema, TableState
from startrail.ports.tables import Tables

_KIND = "table-1"
"""The number changes with the shape of TableState."""


class Cache(Protocol):
    """Values that may be lost at any time."""

    def get(self, kind: str, key: str) -> bytes | None: ...

    def put(self, kind: str, key: str, value: bytes) -> None: ...


class RememberedTables:
    """The Tables port over another one, opened only when it is needed."""

    def __init__(self, cache: Cache, open: Callable[[], Tables]) -> None:
        self._cache = cache
        self._open = open

    @cached_property
    def _tables(self) -> Tables:
        return self._open()

    def state(self, pointer: Pointer) -> TableState:
        known = self._cache.get(_KIND, pointer.metadata)
        if known is not None:
            try:
                return msgspec.structs.replace(msgspec.msgpack.decode(known, type=TableState), pointer=pointer)
            except msgspec.DecodeError:
                pass  # left by another version: as good as lost
        return self._remember(self._tables.state(pointer))

    def files(self, pointer: Pointer, snapshot: int) -> tuple[TableSchema, tuple[DataFile, ...]]:
        return self._tables.files(pointer, snapshot)

    def assign(self, schema: TableSchema, state: TableState | None) -> TableSchema:
        return assign_ids(schema, None, 0) if state is None else assign_ids(schema, state.schema, state.last_id)

    def prepare(self, change: TableChange, pointer: Pointer | None, at: datetime) -> Prepared:
        prepared = self._tables.prepare(change, pointer, at)
        self._remember(self._tables.state(prepared.pointer))
        return prepared

    def _remember(self, state: TableState) -> TableState:
        self._cache.put(_KIND, state.pointer.metadata, msgspec.msgpack.encode(state))
        return state
