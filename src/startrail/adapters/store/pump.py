"""A stream that is read in one thread and uploaded by another.

obstore takes chunks inside of its runtime, where nothing that is read may ask obstore for more (a feed over S3 does). Reading
in the caller's own thread keeps the two apart, and both go on at the same time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Full, Queue

_AHEAD = 8
"""Chunks that wait to be uploaded, at most."""
_LOOK_SECONDS = 0.1


class _GivenUp(Exception):
    """What is read broke off; the upload must not be finished."""


def pump(chunks: Iterable[bytes], upload: Callable[[Iterator[bytes]], object]) -> None:
    """Read ``chunks`` here while ``upload`` takes them in a thread of its own. Raises what either of them raises."""
    pipe: Queue[bytes | _GivenUp | None] = Queue(_AHEAD)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            upload(_taken(pipe))
        except BaseException as error:
            failed.append(error)

    worker = threading.Thread(target=work, name="upload", daemon=True)
    worker.start()
    try:
        for chunk in chunks:
            if not _give(pipe, chunk, worker):
                break
        _give(pipe, None, worker)
    except BaseException:
        _give(pipe, _GivenUp(), worker)
        raise
    finally:
        worker.join()
    if failed:
        raise failed[0]


def _taken(pipe: Queue[bytes | _GivenUp | None]) -> Iterator[bytes]:
    while (item := pipe.get()) is not None:
        if isinstance(item, _GivenUp):
            raise item
        yield item


def _give(pipe: Queue[bytes | _GivenUp | None], item: bytes | _GivenUp | None, worker: threading.Thread) -> bool:
    """False when the upload has ended before its time."""
    while worker.is_alive():
        try:
            pipe.put(item, timeout=_LOOK_SECONDS)
            return True
        except Full:
            continue
    return False
