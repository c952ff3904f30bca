"""Who takes OpenLineage events."""

from __future__ import annotations

from typing import Protocol

from startrail.base.errors import ResourceError


class ReceiverAway(ResourceError):
    """The receiver of OpenLineage events did not take one: it is down, slow, refuses the token, or cannot be written.

    The run goes on all the same. The events wait in the project folder and are sent by the next run; mend what the
    message says, or correct ``openlineage`` of the profile.
    """

    code = "ST680"
    transient = True


class EventRefused(ResourceError):
    """The receiver of OpenLineage events refused one of them for good.

    It is given up, so that those behind it can be sent. Look into the receiver's log for what it did not like.
    """

    code = "ST681"


class Receiver(Protocol):
    """Takes events one after the other; the same event may come again after a kill."""

    @property
    def name(self) -> str:
        """What people call it; without secrets."""
        ...

    def take(self, event: bytes) -> None:
        """One event as JSON without a line break. Raises ReceiverAway (later, again) or EventRefused (never again)."""
        ...
