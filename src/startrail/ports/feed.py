"""Where deliveries come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol, runtime_checkable

import msgspec

from startrail.base.errors import SourceError


class FeedUnreachable(SourceError):
    """The server of a source did not answer, or broke off.

    It is tried again. If it stays away: check the address in the source's ``feed``, the network, and the server.
    """

    code = "ST201"
    transient = True


class FeedForbidden(SourceError):
    """The server or the folder refuses this user: wrong user or password, no permission.

    Mend the secret that the source's ``feed`` refers to, or the permissions at the other end. Not tried again.
    """

    code = "ST202"


class FeedMissing(SourceError):
    """The folder, path or address of a source does not exist.

    Check ``path`` or ``url`` in the source's ``feed``.
    """

    code = "ST203"


class FeedIncomplete(SourceError):
    """Fewer bytes arrived than were announced. Nothing of them became a delivery.

    It is tried again. If it stays: the server or a proxy cuts transfers off; see its log.
    """

    code = "ST204"
    transient = True


class StillGrowing(SourceError):
    """A file changed while it was read.

    It is left for the next run, which is no failure: nothing of it was landed.
    """

    code = "ST205"
    transient = True


class FeedFailed(SourceError):
    """A source answered with something that cannot be used; the message says with what.

    For example an HTTP status that is no success, a redirect to a place that is not allowed, a page that does not
    say where the next one is, or a name that cannot be sent to the server.
    """

    code = "ST206"


class SizeUntrue(SourceError):
    """A server says that a file has fewer bytes than it sends, and says so again when it is asked. Nothing of it was landed.

    Which of the two is wrong cannot be told from here. Have the server mended, or the file written again at its source.
    """

    code = "ST240"


class AskedToWait(SourceError):
    """A server has enough of our requests, and names a time to come back that is longer than a run waits.

    It is not asked again in this run. The next run that comes after the named time goes on; give the source a
    ``schedule`` that asks less often.
    """

    code = "ST241"


class OtherBytes(SourceError):
    """Other bytes arrived than the server has, by its own checksum. Nothing of them became a delivery.

    It is tried again. If it stays: something between here and the server, or the server's disk, changes bytes.
    """

    code = "ST242"
    transient = True


class FeedExtraMissing(SourceError):
    """A kind of feed needs a package that is not installed.

    Install the extra that the hint names.
    """

    code = "ST215"


class QueueMissing(SourceError):
    """There is no queue at the address that the source's feed names.

    Check ``queue`` in the source's ``feed``, and the ``region`` and ``endpoint`` of ``events``.
    """

    code = "ST243"


class QueueForbidden(SourceError):
    """The queue refuses this user, or no keys were found for it.

    Receiving takes ``sqs:ReceiveMessage``, ``sqs:DeleteMessage``, ``sqs:ChangeMessageVisibility`` and
    ``sqs:GetQueueAttributes`` on this queue. Not tried again.
    """

    code = "ST244"


class QueueShared(SourceError):
    """Two sources take messages from one queue, so that each would get a part of them only.

    Give each source a queue of its own; an SNS topic or EventBridge hands every event to several queues.
    """

    code = "ST245"


class Offer(msgspec.Struct, frozen=True):
    """One thing a feed could deliver. ``name`` is made safe to show and to record, and is never used as a path.

    ``stamp`` is equal at two listings when the content stood still (size and time, or ETag). ``""``: not known.
    """

    name: str
    stamp: str
    size: int | None = None
    time: datetime | None = None


class Fetched(msgspec.Struct, frozen=True):
    """What landed content turned out to be. ``cursor`` as in model.delivery; ``empty``: no record in it."""

    cursor: str | None = None
    empty: bool = False


class Seen(msgspec.Struct, frozen=True):
    """What the ledger remembers of a feed: stamps by name of what has landed or was growing, and the cursor."""

    landed: dict[str, str] = {}
    growing: dict[str, str] = {}
    cursor: str | None = None
    swept: datetime | None = None
    """When all that a queue should have told of was last listed; of use to a :class:`Queued` feed only."""


class Feed(Protocol):
    """Lists and fetches. Raises SourceError subclasses; ``transient`` ones are tried again by the flow."""

    @property
    def lanes(self) -> int:
        """How many offers may be fetched at the same time, each in a thread of its own. With more than one, offers may
        be taken ahead of their fetches, and :meth:`fetch` and :meth:`close` are safe to call from any thread."""
        ...

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        """What is there, complete and not yet landed: a (name, stamp) in ``seen.landed`` is not offered again.

        Lazy when there is one lane: before it takes the next offer, the caller fetches this one and hands it to
        :meth:`landed`, or gives it up.
        """
        ...

    def growing(self) -> dict[str, str]:
        """Names and stamps that the last listing left for the next time."""
        ...

    def listed(self) -> Mapping[str, str] | None:
        """Names and stamps of everything that is there, as of the last call of :meth:`offers`; None when that is not known:
        the listing did not come to its end, or shows a part only."""
        ...

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        """The content in chunks. Ends only when all of it was read; otherwise raises. Read in one thread."""
        ...

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        """Told once the bytes are safe; ``content`` opens them. Only here may a feed look inside."""
        ...

    def close(self) -> None:
        """Give back all connections. Fetches that are under way in other threads break off."""
        ...


@runtime_checkable
class Early(Protocol):
    """What a feed has besides when it can use the time in which it finds out whether its files stand still."""

    def offer_early(self, count: int) -> None:
        """From now on offer so many of the first files before that is known, to a caller that takes offers ahead of their
        fetches. Such a fetch ends only when it is known, or raises StillGrowing."""
        ...


class Stray(msgspec.Struct, frozen=True):
    """A message that brings no file: not understood, of another place, or about an object that is gone. Safe to show.

    ``left``: it stays in the queue, which moves it to its own dead letters."""

    message: str
    reason: str
    text: str
    left: bool = False


@runtime_checkable
class Queued(Protocol):
    """What a feed has besides when a queue tells it what is new. A message is forgotten only when all it told of is safe."""

    def only_newest(self) -> None:
        """From now on offer a name once, as it is now: for a target that has one file under a name."""
        ...

    def recorded(self, offer: Offer) -> None:
        """Told once the ledger knows the delivery, or knew its bytes before."""
        ...

    def strays(self) -> tuple[Stray, ...]:
        """Messages that brought no file, so far."""
        ...

    def set_aside(self, stray: Stray) -> None:
        """Told once the ledger knows of the stray."""
        ...

    def swept(self) -> bool:
        """Whether everything was listed, and all that was new is recorded."""
        ...


@runtime_checkable
class Asked(Protocol):
    """What a feed has besides when only a file's own answer tells whether it is new."""

    def answered(self, offer: Offer) -> Offer | None:
        """The offer with what the server says of it now; None when it holds nothing new, or is not asked for any more.
        Called before :meth:`Feed.fetch`, in the same thread."""
        ...


def asking(feed: Feed) -> Callable[[Offer], Offer | None]:
    """What makes of an offer what is to be fetched, or None. For most feeds the listing has said all there is to know."""
    return feed.answered if isinstance(feed, Asked) else lambda offer: offer
