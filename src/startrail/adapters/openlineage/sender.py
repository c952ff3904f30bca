"""Sends what the journal holds, beside the run, so that no step waits for the receiver."""

from __future__ import annotations

import threading
from collections.abc import Callable

from startrail.adapters.openlineage.journal import Journal
from startrail.base.errors import StartrailError
from startrail.ports.clock import Clock
from startrail.ports.openlineage import EventRefused, Receiver


class Sender:
    """A thread that ends with the run, or at the first event that the receiver does not take."""

    def __init__(self, journal: Journal, receiver: Callable[[], Receiver], run: str, wall: Clock, patience: float) -> None:
        self._journal, self._open, self._run = journal, receiver, run
        self._wall, self._patience = wall, patience
        self._news, self._ending = threading.Event(), threading.Event()
        self._until: float | None = None
        self.refused = 0
        self.trouble: str | None = None
        """Why events wait; None while they are taken."""
        self._thread = threading.Thread(target=self._work, name="openlineage", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something new to send."""
        self._news.set()

    def finish(self) -> None:
        """Send what is left for as long as patience lasts; the rest waits for the next run."""
        self._until = self._now() + self._patience
        self._ending.set()
        self._news.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            receiver = self._open()
            while True:
                self._news.wait()
                self._news.clear()
                last = self._ending.is_set()
                for run in self._journal.runs():
                    if run > self._run:
                        break  # a runner that took over has its own
                    self._send(run, receiver, whole=last or run != self._run)
                if last:
                    return
        except (StartrailError, OSError) as error:
            self.trouble = error.message if isinstance(error, StartrailError) else str(error)

    def _send(self, run: str, receiver: Receiver, *, whole: bool) -> None:
        """``whole``: nothing more is coming, so what was taken can be forgotten."""
        for offset, event in self._journal.events(run, self._journal.sent(run)):
            if self._until is not None and self._now() > self._until:
                self.trouble = "the run has ended, and there was more to send than it waits for"
                return
            try:
                receiver.take(event)
            except EventRefused as refusal:
                self.refused += 1
                self.trouble = refusal.message
            self._journal.mark_sent(run, offset)
        if whole:
            self._journal.forget(run)

    def _now(self) -> float:
        return self._wall.now().timestamp()
