"""Keys to ask with, which may end and be renewed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from startrail.adapters.s3.answer import Answer, Unanswered

_EARLY_SECONDS = 300.0
"""So long before they end, keys are renewed."""
_PAUSE_SECONDS = 20.0
"""Between two tries to do so, as long as the old ones are good."""


class Keys(msgspec.Struct, frozen=True):
    """``until``: when they end, in seconds since 1970."""

    access_key: str
    secret_key: str
    token: str | None = None
    until: float | None = None

    def __repr__(self) -> str:
        return "Keys(...)"


Who = Callable[[], Keys | None]
"""In whose name a request is sent right now; None: in nobody's. Raises Unanswered. Safe to share between threads."""


def known(access_key: str, secret_key: str, token: str | None = None) -> Who:
    """Keys that are known, and stay."""
    keys = Keys(access_key, secret_key, token)
    return lambda: keys


def no_keys(told: str) -> Unanswered:
    """The error for having none, and why."""
    return Unanswered(Answer("no keys", told))


class Renewed:
    """Keys that are asked for when they are first needed, and again before they end."""

    def __init__(self, ask: Callable[[], Keys], now: Callable[[], float] = time.time) -> None:
        self._ask, self._now = ask, now
        self._keys: Keys | None = None
        self._next = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> Keys:
        with self._lock:
            keys, now = self._keys, self._now()
            if keys is not None and now < self._next:
                return keys
            try:
                self._keys = keys = self._ask()
            except Unanswered:
                if keys is None or keys.until is None or keys.until <= now:
                    raise
                self._next = min(now + _PAUSE_SECONDS, keys.until)
                return keys
            self._next = float("inf") if keys.until is None else max(now + _PAUSE_SECONDS, keys.until - _EARLY_SECONDS)
            return keys
