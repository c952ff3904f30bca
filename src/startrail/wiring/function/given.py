"""Messages that a function was called with, in the place of a queue."""

from __future__ import annotations

from collections.abc import Sequence

from startrail.adapters.feed.custody import Message


class GivenMessages:
    """Each is handed out once. Whoever called hides them meanwhile, and hears which of them are :meth:`undone`."""

    hold_seconds = 3600.0

    def __init__(self, messages: Sequence[Message]) -> None:
        self._waiting = list(messages)
        self._open = {message.id: message for message in messages}

    def receive(self) -> Sequence[Message]:
        few, self._waiting = self._waiting, []
        return few

    def forget(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._open.pop(message.id, None)

    def hide(self, messages: Sequence[Message]) -> None:
        """The caller does."""

    def release(self, messages: Sequence[Message]) -> None:
        """They are undone."""

    def has_dead_letters(self) -> bool:
        """What brings no file is remembered as a fact and done with, whatever the caller would do with it."""
        return False

    def undone(self) -> tuple[str, ...]:
        """Ids of messages that have to come again."""
        return tuple(self._open)

    def close(self) -> None:
        """There is nothing to close."""
