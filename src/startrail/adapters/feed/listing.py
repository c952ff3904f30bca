"""What file feeds share: patterns, safe names, and when a file counts as complete."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.ports.clock import Clock
from startrail.ports.feed import FeedFailed, Offer, Seen

_MOMENT_SECONDS = 0.2
_LONGEST_NAME = 200


class Entry(msgspec.Struct, frozen=True):
    """One file as a listing shows it. ``path`` is how the far side knows it, ``name`` how we show it."""

    path: str
    name: str
    stamp: str
    size: int | None = None
    time: datetime | None = None


class Listing:
    """Decides which files are offered; remembers those that are left for the next time."""

    def __init__(self, settle: str, clock: Clock) -> None:
        self._settle = parse_duration(settle)
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self.growing: dict[str, str] = {}

    def offers(self, entries: Callable[[], Iterable[Entry]], seen: Seen, now: datetime) -> Iterator[Offer]:
        """Complete and not yet landed files, in order of names. ``entries`` lists them, once or twice."""
        new = {entry.name: entry for entry in entries() if seen.landed.get(entry.name) != entry.stamp}
        still = {name for name, entry in new.items() if self._stood_still(entry, seen, now)}
        if len(still) < len(new) and not self._settle:
            self._clock.sleep(_MOMENT_SECONDS)
            again = {entry.name: entry.stamp for entry in entries()}
            still |= {name for name, entry in new.items() if again.get(name) == entry.stamp}
        self._entries = {name: new[name] for name in sorted(still)}
        self.growing = {name: entry.stamp for name, entry in new.items() if name not in still}
        for name, entry in self._entries.items():
            yield Offer(name, entry.stamp, entry.size, entry.time)

    def entry(self, offer: Offer) -> Entry:
        """The listed file that an offer stands for."""
        return self._entries[offer.name]

    def _stood_still(self, entry: Entry, seen: Seen, now: datetime) -> bool:
        as_before = seen.growing.get(entry.name) == entry.stamp
        if not self._settle:
            return as_before
        if entry.time is None or entry.time - now > timedelta(seconds=1):
            return as_before  # without a usable time, two runs that agree must do
        return now - entry.time >= self._settle


def safe_name(path: str) -> str:
    """One printable line for a file's name: other characters and backslashes escaped, long ones cut and told apart."""
    shown = printable(path.replace("\\", "\\\\"), limit=len(path) * 2 + 1)
    if len(shown) <= _LONGEST_NAME:
        return shown
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{shown[: _LONGEST_NAME - 17]}…{digest}"


def matcher(pattern: str) -> Callable[[str], bool]:
    """Does a ``/``-separated relative path match? ``*`` and ``?`` stay within a folder, ``**`` crosses them,
    ``[abc]`` is one of these. A name that begins with a dot is matched only by a pattern part that does."""
    parts = pattern.strip("/").split("/")
    regex = ""
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part == "**":
            regex += r"(?:[^./][^/]*/)*" + (r"[^./][^/]*" if last else "")
        else:
            regex += _translated(part) + ("" if last else "/")
    try:
        compiled = re.compile(regex, re.DOTALL)
    except re.error as error:
        raise FeedFailed(f"'{pattern}' is not a pattern", hint="write it like *.csv or **/sales_[0-9]*.csv") from error
    return lambda path: compiled.fullmatch(path) is not None


def is_recursive(pattern: str) -> bool:
    """Whether files below the first level can match."""
    return "/" in pattern.strip("/") or "**" in pattern


def _translated(part: str) -> str:
    regex = "" if part.startswith(".") else r"(?!\.)"
    for piece in re.findall(r"\[!?\]?[^\]]*\]|\*+|.", part, re.DOTALL):
        if piece[0] == "*":
            regex += "[^/]*"
        elif piece == "?":
            regex += "[^/]"
        elif piece[0] == "[" and len(piece) > 1:
            inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", piece[1:-1])
            regex += f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]"
        else:
            regex += re.escape(piece)
    return regex
