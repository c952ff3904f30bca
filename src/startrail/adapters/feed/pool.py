"""Connections to one server, each used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

C = TypeVar("C")


class Pool(Generic[C]):
    """At most ``most`` connections, and never more than the server allows: when it refuses a further one (``refused`` tells
    by the error), those that are open have to do from then on, and whoever needs one waits for its turn.

    A thread has the connection that :meth:`mine` gives it until :meth:`rest` or :meth:`drop`. Another thread that ends its
    work, as one that closes a generator does, calls these on its behalf.
    """

    def __init__(
        self,
        most: int,
        *,
        open: Callable[[], C],
        close: Callable[[C], None],
        interrupt: Callable[[C], None],
        refused: Callable[[Exception], bool],
    ) -> None:
        """``interrupt`` makes another thread, which may be waiting for an answer, see that the connection has ended."""
        self._most = most
        self._open, self._close, self._interrupt, self._refused = open, close, interrupt, refused
        self._closed = False
        self._idle: list[C] = []
        self._held: dict[int, C] = {}
        self._opening = 0
        self._change = threading.Condition()

    def mine(self) -> C:
        """This thread's connection; raises what opening one raises."""
        me = threading.get_ident()
        held = self._held.get(me)
        if held is not None:
            return held
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._idle or self._open_now() < self._most)
                if self._closed:
                    raise ConnectionAbortedError("closed from our side")
                if self._idle:
                    return self._held.setdefault(me, self._idle.pop())
                self._opening += 1
            connection = self._opened(me)
            if connection is not None:
                return connection

    def has_mine(self, who: int | None = None) -> bool:
        """Whether this thread, or the one named, has one."""
        return (who or threading.get_ident()) in self._held

    def rest(self, who: int | None = None) -> None:
        """This thread, or the one named, needs its connection no more; the next one may have it."""
        with self._change:
            held = self._held.pop(who or threading.get_ident(), None)
            if held is not None and not self._closed:
                self._idle.append(held)
                self._change.notify()
                return
        if held is not None:
            self._close(held)

    def drop(self, who: int | None = None) -> None:
        """The connection of this thread, or of the one named, is of no use any more."""
        with self._change:
            held = self._held.pop(who or threading.get_ident(), None)
            self._change.notify()
        if held is not None:
            self._close(held)

    def idle(self) -> list[C]:
        """The open connections that no thread has."""
        with self._change:
            return list(self._idle)

    def close(self) -> None:
        """Close every connection for good. A thread that has one sees it broken, and cannot get another."""
        with self._change:
            self._closed = True
            idle, held = self._idle.copy(), list(self._held.values())
            self._idle.clear()
            self._change.notify_all()
        for connection in idle:
            self._close(connection)
        for connection in held:
            self._interrupt(connection)

    def _open_now(self) -> int:
        return len(self._idle) + len(self._held) + self._opening

    def _opened(self, me: int) -> C | None:
        """None when the server has enough of us, and the open ones must do."""
        connection: C | None = None
        try:
            connection = self._open()
            return connection
        except Exception as error:  # each library raises its own; `refused` says which mean that it is enough
            with self._change:
                others = self._open_now() - 1
                if others < 1 or not self._refused(error):
                    raise
                self._most = others
                return None
        finally:
            with self._change:
                self._opening -= 1
                if connection is not None:
                    self._held[me] = connection
                self._change.notify()
