"""What comes in: files of sources, and those that do not come."""

from __future__ import annotations

from startrail.flow.events.event import Event
from startrail.model.listing import Renamed, Replaced


class Landed(Event, frozen=True, tag="landed"):
    """Bytes became a delivery."""

    fact = "delivery.landed"
    source: str
    delivery: str
    name: str
    size: int
    sha256: str
    fields: dict[str, str] = {}
    """What the name says, by the pattern of its source."""
    unread: str | None = None
    """Why the name does not say it."""
    parent: str | None = None
    """The archive that it came in: its delivery."""


class Unpacked(Event, frozen=True, tag="unpacked"):
    """The files in an archive became deliveries, all of them."""

    fact = "archive.unpacked"
    source: str
    delivery: str
    name: str
    files: int
    """Those that are new; the same bytes may have come before."""
    known: int
    others: tuple[str, ...] = ()
    """Links and the like, which are not followed: the first ten by name."""


class ArchiveRefused(Event, frozen=True, tag="archive_refused"):
    """An archive was not unpacked; nothing of it became a delivery. ``subject`` is its delivery."""

    fact = "archive.refused"
    source: str
    name: str
    code: str
    reason: str
    declared: str
    """The bounds under which."""


class Copied(Event, frozen=True, tag="copied"):
    """A file was copied to ``target`` under its own name, without being loaded."""

    fact = "source.copied"
    source: str
    name: str
    size: int
    sha256: str
    stamp: str
    target: str


class MessageSetAside(Event, frozen=True, tag="message_set_aside"):
    """A message in a source's queue brought no file: not understood, of another place, or about an object that is gone."""

    fact = "source.message_set_aside"
    source: str
    message: str
    """The queue's id of it."""
    reason: str
    text: str
    """Its beginning."""
    left: bool = False
    """True when it stays in the queue, which moves it to its own dead letters; else it was taken out."""


class Swept(Event, frozen=True, tag="swept"):
    """A bucket whose queue tells of new objects was listed all the same, and everything new is recorded."""

    fact = "source.swept"
    source: str


class Growing(Event, frozen=True, tag="growing"):
    """A file was left for the next time because it is still being written."""

    source: str
    name: str


class SourcePaused(Event, frozen=True, tag="source_paused"):
    """A person paused a source: until then no run asks it for anything. Its deliveries that have landed are loaded."""

    fact = "source.paused"
    until: str
    reason: str
    by: str


class SourceResumed(Event, frozen=True, tag="source_resumed"):
    """A person took a pause back."""

    fact = "source.resumed"
    by: str
    reason: str = ""


class SourceSkipped(Event, frozen=True, tag="source_skipped"):
    """A run did not ask a source, because it is paused."""

    fact = "source.skipped"
    until: str
    reason: str


class SourceExpectedMissing(Event, frozen=True, tag="source_expected_missing"):
    """A file that was expected by a time, and its grace, has not landed. Told once per expectation and instant."""

    fact = "source.expected_missing"
    what: str
    """The expectation: file, time and zone, as declared."""
    file: str
    """The name as of this instant."""
    due: str
    found: int
    """How many have landed, of those that were ``wanted``."""
    wanted: int
    asked: str | None = None
    """When the source was last listed to its end."""


class SourceExpectedArrived(Event, frozen=True, tag="source_expected_arrived"):
    """A file that was expected by a time has landed. Told once per expectation and instant."""

    fact = "source.expected_arrived"
    what: str
    file: str
    due: str
    found: int
    at: str
    """When there were enough of them."""
    minutes_late: int | None = None
    """Whole minutes after ``due``; None when it came before its grace was over."""


class SourceExpectedDropped(Event, frozen=True, tag="source_expected_dropped"):
    """A file that was missing is no longer expected, since the source no longer declares that it is."""

    fact = "source.expected_dropped"
    what: str
    file: str
    due: str


class SourceRenamed(Event, frozen=True, tag="source_renamed"):
    """Files of a source have other names than before, and the same bytes. ``files``: the first twenty of ``count``."""

    fact = "source.renamed"
    count: int
    files: tuple[Renamed, ...]


class SourceReplaced(Event, frozen=True, tag="source_replaced"):
    """Files of a source have the same names as before, and other bytes: new versions of them have landed. ``files``: the
    first twenty of ``count``, each with its deliveries."""

    fact = "source.replaced"
    count: int
    files: tuple[Replaced, ...]


class SourceDeleted(Event, frozen=True, tag="source_deleted"):
    """Files that have landed are no longer at their source. Nothing of them is taken away here. ``names``: the first twenty
    of ``count``."""

    fact = "source.deleted"
    count: int
    names: tuple[str, ...]
