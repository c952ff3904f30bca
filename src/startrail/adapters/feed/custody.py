"""Messages that were received and are not safe yet: hidden from others, and forgotten only when all they told of is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.ports.feed import Stray

_AT_ONCE = 10
_SHOWN = 500


class Message(msgspec.Struct, frozen=True):
    """``handle`` is of this receipt, ``id`` of the message."""

    id: str
    handle: str
    body: str


class Messages(Protocol):
    """A queue. What was received is hidden from others until its time is over, unless it is forgotten or released before."""

    hold_seconds: float
    """For how long a message is hidden."""

    def receive(self) -> Sequence[Message]:
        """A few; none when there are no more for now."""
        ...

    def forget(self, messages: Sequence[Message]) -> None: ...

    def hide(self, messages: Sequence[Message]) -> None:
        """For the whole time from now on."""
        ...

    def release(self, messages: Sequence[Message]) -> None:
        """Let others have them at once."""
        ...

    def has_dead_letters(self) -> bool:
        """Whether the queue itself moves away what was received too often."""
        ...

    def close(self) -> None: ...


class Parcel:
    """A message, and the offers (name and stamp) that have to be recorded before it may be forgotten."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.waits: set[tuple[str, str]] = set()


class Custody:
    """What one feed has received. A thread of its own keeps it hidden, however long a file takes."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._open: dict[str, Parcel] = {}
        self._done: list[Message] = []
        self._strays: dict[str, tuple[Stray, Message]] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._hiding: threading.Thread | None = None

    def received(self, most: int) -> Iterator[list[Parcel]]:
        """A few messages at a time, until there are no more."""
        taken, known = 0, set[str]()
        while taken < most:
            self._forget()
            batch = [message for message in self._messages.receive() if message.id not in known]
            if not batch:
                return  # also when there is nothing but what came before: that is for the next run
            taken += len(batch)
            known.update(message.id for message in batch)
            parcels = [Parcel(message) for message in batch]
            with self._lock:
                self._open.update((parcel.message.id, parcel) for parcel in parcels)
            self._keep_hidden()
            yield parcels

    def settle(self, parcel: Parcel) -> None:
        """Forget the message soon when all it told of is safe, and nobody has to be told of it first."""
        message = parcel.message
        if parcel.waits:
            return
        with self._lock:
            settled = self._open.pop(message.id, None) is not None
        if settled and message.id not in self._strays:
            self._done.append(message)
        if len(self._done) >= _AT_ONCE:
            self._forget()

    def stray(self, parcel: Parcel, reason: str, *, understood: bool = False) -> None:
        """A message that brings no file. What nobody understands is the queue's to move away, when it does."""
        left = not understood and self._messages.has_dead_letters()
        message = parcel.message
        stray = Stray(printable(message.id, 100), reason, printable(message.body, _SHOWN), left)
        with self._lock:
            self._strays[message.id] = (stray, message)
            if not understood:
                self._open.pop(message.id, None)  # one that is understood may tell of other objects too

    def strays(self) -> tuple[Stray, ...]:
        return tuple(stray for stray, _ in self._strays.values())

    def set_aside(self, stray: Stray) -> None:
        with self._lock:
            found = self._strays.pop(stray.message, None)
        if found is not None and not stray.left and found[1].id not in self._open:
            self._done.append(found[1])

    def release(self) -> None:
        """Let others, or a later look of this one, have what is not safe."""
        with self._lock:
            held, self._open, self._strays = self._held(), {}, {}
        self._messages.release(held)

    def close(self) -> None:
        """What is safe is forgotten, and all else released."""
        self._stop.set()
        if self._hiding is not None:
            self._hiding.join()
        try:
            with contextlib.suppress(SourceError):  # then they come again later, and are known
                self._forget()
                self.release()
        finally:
            self._messages.close()

    def _held(self) -> list[Message]:
        """What nobody else is to have for now."""
        held = {parcel.message.id: parcel.message for parcel in self._open.values()}
        held.update((message.id, message) for stray, message in self._strays.values() if not stray.left)
        return list(held.values())

    def _forget(self) -> None:
        while self._done:
            few = self._done[:_AT_ONCE]
            self._messages.forget(few)
            del self._done[: len(few)]

    def _keep_hidden(self) -> None:
        if self._hiding is None:
            self._hiding = threading.Thread(target=self._hide_again, name="messages", daemon=True)
            self._hiding.start()

    def _hide_again(self) -> None:
        while not self._stop.wait(self._messages.hold_seconds / 3):
            with self._lock:
                held = self._held()
            try:
                self._messages.hide(held)
            except SourceError:
                continue  # then they may come twice, which changes nothing
