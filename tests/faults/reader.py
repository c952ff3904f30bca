"""A reader that never stops looking while others work, die and work again."""

from __future__ import annotations

import threading
from typing import Any, Self

from tests.faults.invariants import Broken, Tables, require_whole
from tests.faults.shop import Shop, look

_PAUSE_SECONDS = 0.01
_EVERY = 100
"""Tables are read whenever what the ledger shows has moved, and at every so manieth poll in any case."""


class Reader:
    """A context. Each look must be wholly ``before`` or wholly ``after``, and never ``before`` again."""

    def __init__(self, shop: Shop, before: Tables, after: Tables) -> None:
        self._shop, self._before, self._after = shop, before, after
        self._thread = threading.Thread(target=self._poll, name="reader")
        self._stop, self._ready = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self.polls = 0
        self.looks = 0
        self.saw = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(30)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def _poll(self) -> None:
        try:
            with self._shop.opened() as opened:
                last: Any = None
                stopping = False
                while not stopping:
                    stopping = self._stop.wait(_PAUSE_SECONDS)
                    now = {name: pointer.metadata for name, pointer in opened.ports.ledger.pointers().items()}
                    if now != last or stopping or self.polls % _EVERY == 0:
                        self._judge(look(opened))
                    last = now
                    self.polls += 1
                    self._ready.set()
        except BaseException as error:
            self._error = error
            self._ready.set()

    def _judge(self, seen: Tables) -> None:
        which = require_whole(seen, self._before, self._after)
        if (self.saw, which) == ("after", "before"):
            raise Broken("a reader saw the old version again after the new one", torn=1)
        self.saw = which
        self.looks += 1
