"""A reader that never stops looking while others work, die and work again."""

from __future__ import annotations

import threading
from typing import Any, Self

from tests.faults.invariants import Broken, Tables, require_whole
from tests.faults.shop import Shop, look

_PAUSE_SECONDS = 0.02
_EVERY = 100
"""Tables are read whenever what the ledger shows has moved, and at every so manieth poll in any case."""


class Reader:
    """A context; :meth:`judge` afterwards."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._thread = threading.Thread(target=self._poll, name="reader")
        self._stop, self._ready = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._seen: list[Tables] = []
        self.polls = 0
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(280)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def judge(self, before: Tables, after: Tables) -> None:
        """Each look was wholly ``before`` or wholly ``after``, never ``before`` again, and ``after`` at the end."""
        versions = [require_whole(seen, before, after) for seen in self._seen]
        if versions != sorted(versions, key=("before", "after").index) or versions[-1] != "after":
            raise Broken(f"a reader saw the versions in this order: {versions}", torn=1)

    def _poll(self) -> None:
        try:
            with self._shop.opened() as opened:
                last: Any = None
                stopping = False
                while not stopping:
                    stopping = self._stop.wait(_PAUSE_SECONDS)
                    now = {name: pointer.metadata for name, pointer in opened.ports.ledger.pointers().items()}
                    if now != last or stopping or self.polls % _EVERY == 0:
                        self._remember(look(opened))
                    last = now
                    self.polls += 1
                    self._ready.set()
        except BaseException as error:
            self._error = error
            self._ready.set()

    def _remember(self, seen: Tables) -> None:
        self.looks += 1
        if not self._seen or self._seen[-1] != seen:
            self._seen.append(seen)
