"""Time comes from here, never from ``datetime.now()`` in the core."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """``now`` is an aware UTC instant; ``sleep`` takes seconds."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...
