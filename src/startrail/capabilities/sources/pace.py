"""A transfer that hardly moves is given up, so that a server which drips cannot hold a runner for days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from startrail.base.errors import SourceError
from startrail.ports.clock import Clock

_SLOWEST = 1 << 10
"""Bytes a second, on average over the window."""
_WINDOW = timedelta(minutes=5)


class FeedDrips(SourceError):
    """A server sends less than a kilobyte a second, for five minutes. Nothing of the file became a delivery.

    It is tried again. If it stays: something at the other end, or on the way, holds the transfer back; see the server's log.
    """

    code = "ST254"
    transient = True


def moving(chunks: Iterator[bytes], clock: Clock, name: str) -> Iterator[bytes]:
    """The same chunks. Only the time in which they are waited for counts. Raises FeedDrips."""
    waited, came = timedelta(), 0
    try:
        while True:
            asked = clock.now()
            chunk = next(chunks, None)
            if chunk is None:
                return
            waited, came = waited + (clock.now() - asked), came + len(chunk)
            if waited >= _WINDOW:
                if came < _SLOWEST * waited.total_seconds():
                    told = (
                        f"'{name}' came at {came / waited.total_seconds():.0f} bytes a second for {waited.total_seconds():.0f} s"
                    )
                    raise FeedDrips(told, affects="this file", hint="run again; look for what holds the server back, if it stays")
                waited, came = timedelta(), 0
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
