"""A small memory of what immutable files said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, the least recently used forgotten first; their weights never sum to more than ``limit``.

    Safe to share between threads.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._total = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> V:
        with self._lock:
            if key not in self._values:
                self._values[key] = (value, weight)
                self._total += weight
            while self._total > self._limit and len(self._values) > 1:
                _, (_, old) = self._values.popitem(last=False)
                self._total -= old
        return value
