"""Opening something heavy when it is first needed, once, whichever thread needs it first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Call it to get the thing; :meth:`opened` tells whether anybody has."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def opened(self) -> T | None:
        """The thing, if it was ever needed."""
        with self._lock:
            return self._made[0] if self._made else None
