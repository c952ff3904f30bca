"""What file feeds share: patterns, safe names, and when a file counts as complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from startrail.adapters.feed.moment import Moment
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.text import safe_name as safe_name
from startrail.base.units import parse_duration
from startrail.model.pattern import is_recursive as is_recursive
from startrail.model.pattern import name_pattern
from startrail.model.source import Complete
from startrail.ports.clock import Clock
from startrail.ports.feed import FeedFailed, Offer, Seen, StillGrowing

_MOMENT_SECONDS = 0.2
_OLD = timedelta(seconds=10)
"""Who writes a file writes at least as often, as far as its time shows it."""
_PICK_UPS = 3
MOST_NAMES = 300_000


class TooManyNames(SourceError):
    """A listing shows more names that match than are kept in memory: 300,000.

    Narrow `pattern` or `path`, or declare several sources, each for a part of the names. Names that do not match cost nothing.
    """

    code = "ST222"


class Entry(msgspec.Struct, frozen=True):
    """One file as a listing shows it. ``path`` is how the far side knows it, ``name`` how we show it."""

    path: str
    name: str
    stamp: str
    size: int | None = None
    time: datetime | None = None


class Listing:
    """Decides which files are wanted and which are offered; remembers those that are left for the next time.

    ``whole``: what is listed there never grows, as in an object store.
    """

    def __init__(
        self, pattern: str, clock: Clock, *, settle: str = "0s", complete: Complete | None = None, whole: bool = False
    ) -> None:
        self._pattern = pattern
        self._matches = matcher(pattern)
        self._wanted = 0
        self._sign = Sign(complete)
        self._settle = parse_duration(settle)
        self._clock = clock
        self._whole = whole or (complete is not None and not self._settle)
        self._entries: dict[str, Entry] = {}
        self.moment = Moment()
        self.growing: dict[str, str] = {}
        self.listed: dict[str, str] | None = None
        """Every wanted file, also those that are not offered; None until a listing has come to its end."""

    def wants(self, path: str) -> bool:
        """Whether a listed path is to be handed to :meth:`offers`: it may be offered, or is a sign that another is whole.

        Raises TooManyNames when one listing has too many of them.
        """
        if not (self._matches(path) or self._sign.is_sign(path)):
            return False
        self._wanted += 1
        if self._wanted > MOST_NAMES:
            raise TooManyNames(
                f"the listing has more than {MOST_NAMES:,} names that match '{printable(self._pattern, 80)}'",
                affects="nothing of this source is landed",
                hint="narrow `pattern` or `path`, or have files that have landed moved away at their source",
            )
        return True

    def offers(self, entries: Callable[[], Iterable[Entry]], seen: Seen, now: datetime, early: int = 0) -> Iterator[Offer]:
        """Complete and not yet landed files, in order of names. ``entries`` lists them, once or twice.

        So many of the first ones come ``early``, which :attr:`moment` tells of: nobody seems to be writing them.
        """
        self.moment.end()
        self.listed = None
        self._wanted = 0
        listed = {entry.path: entry for entry in entries()}
        files = [entry for path, entry in listed.items() if self._matches(path) and not self._sign.is_sign(path)]
        self.listed = {entry.name: entry.stamp for entry in files}
        new = {entry.name: entry for entry in files if seen.landed.get(entry.name) != entry.stamp}
        still = {name for name, entry in new.items() if self._stood_still(entry, seen, now)}
        if len(still) < len(new) and not self._settle:
            self._entries = new
            first = [new[name] for name in sorted(new)[:early]]
            told = [entry.name for entry in takewhile(lambda entry: self._is_old(entry, listed, now), first)]
            self.moment = Moment(told)
            try:
                yield from map(_offer, first[: len(told)])
                self._clock.sleep(_MOMENT_SECONDS)
                self._wanted = 0
                again = {entry.name: entry.stamp for entry in entries() if entry.name in new}
                still |= {name for name, entry in new.items() if again.get(name) == entry.stamp}
                self.moment.end(still)
            finally:
                self.moment.end()
        else:
            told = []
        still = {name for name in still if self._sign.is_whole(new[name], listed)}
        self._entries = {name: new[name] for name in sorted(still.union(told))}
        self.growing = {name: entry.stamp for name, entry in new.items() if name not in still}
        yield from map(_offer, (entry for name, entry in self._entries.items() if name not in told))

    def entry(self, offer: Offer) -> Entry:
        """The listed file that an offer stands for."""
        return self._entries[offer.name]

    def _is_old(self, entry: Entry, listed: Mapping[str, Entry], now: datetime) -> bool:
        return entry.time is not None and now - entry.time >= _OLD and self._sign.is_whole(entry, listed)

    def _stood_still(self, entry: Entry, seen: Seen, now: datetime) -> bool:
        if self._whole:
            return True
        as_before = seen.growing.get(entry.name) == entry.stamp
        if not self._settle:
            return as_before
        if entry.time is None or entry.time - now > timedelta(seconds=1):
            return as_before  # without a usable time, two runs that agree must do
        return now - entry.time >= self._settle


class Sign:
    """How the other side says that a file is whole; without a declaration every file may be."""

    def __init__(self, complete: Complete | None) -> None:
        self._marker = complete.marker if complete is not None else None
        self._suffix = complete.suffix if complete is not None else None
        if complete is not None and (not self._marker) == (not self._suffix):
            raise FeedFailed(
                "`complete` names not exactly one of marker and suffix", hint='such as complete: {marker: "{name}.done"}'
            )
        if self._marker is not None and "{name}" not in self._marker and "{stem}" not in self._marker:
            raise FeedFailed(
                f"the marker '{printable(self._marker, 60)}' names no file", hint='say which file it is for: "{name}.done"'
            )
        plain = re.escape(self._marker or "").replace(r"\{name\}", "[^/]+").replace(r"\{stem\}", "[^/]+")
        self._is_marker = re.compile(f"(?:.*/)?{plain}", re.DOTALL)

    def is_sign(self, path: str) -> bool:
        """A marker, or a file under the name that it has while it is written."""
        if self._suffix is not None:
            return path.endswith(self._suffix)
        return self._marker is not None and self._is_marker.fullmatch(path) is not None

    def is_whole(self, entry: Entry, listed: Mapping[str, Entry]) -> bool:
        """Its marker is there, and is no older than the file: the marker of an earlier version says nothing."""
        if self._marker is None:
            return True
        folder, slash, name = entry.path.rpartition("/")
        stem = name.rpartition(".")[0] or name
        marker = listed.get(folder + slash + self._marker.replace("{name}", name).replace("{stem}", stem))
        if marker is None:
            return False
        return marker.time is None or entry.time is None or marker.time >= entry.time


def _offer(entry: Entry) -> Offer:
    return Offer(entry.name, entry.stamp, entry.size, entry.time)


def sendable(path: str, name: str) -> str:
    """A listed path that may be asked for: it cannot leave the folder or smuggle a second command. Raises FeedFailed."""
    if any(part in ("", ".", "..") for part in path.split("/")) or any(character in path for character in "\r\n\0"):
        raise FeedFailed(f"'{name}' is not a name that can be asked for", hint="have the file renamed at its source")
    return path


def matcher(pattern: str) -> Callable[[str], bool]:
    """Does a ``/``-separated relative path match? See :mod:`startrail.model.pattern`. Raises FeedFailed."""
    try:
        return name_pattern(pattern).matches
    except ValueError as error:
        raise FeedFailed(str(error), hint="write it like *.csv or **/sales_[0-9]*.csv") from error


def resumed(read: Callable[[int], Iterator[bytes]]) -> Generator[bytes, None, None]:
    """The content from 0 on, picked up where it broke off as long as each try brings something.

    ``read`` begins at an offset and makes sure that the file there is still the same.
    """
    received = 0
    for tries_left in range(_PICK_UPS, -1, -1):
        before = received
        try:
            for block in read(received):
                received += len(block)
                yield block
            return
        except SourceError as error:
            if not error.transient or isinstance(error, StillGrowing) or received == before or not tries_left:
                raise
