"""What FTP servers say about their files: MLSD facts (RFC 3659), and the customary forms of LIST."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

_MONTHS = {f"{datetime(2000, month, 1):%b}".lower(): month for month in range(1, 13)}
_WHEN = r"[^\W\d_]{3,4}\.?\s+\d{1,2}\s+(?:\d{1,2}:\d\d|\d{4})|\d{1,2}\.?\s+[^\W\d_]{3,4}\.?\s+(?:\d{1,2}:\d\d|\d{4})"
_ISO = r"\d{4}-\d\d-\d\d\s+\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:\s+[-+]\d{4})?"
_UNIX = re.compile(rf"([-a-zA-Z])[-rwxsStTlL]{{9}}\S*\s+(?:\S.*?\s)??(\d{{1,18}})\s+({_WHEN}|{_ISO}) (.+)", re.DOTALL)
_DEVICE = re.compile(rf"[bc][-rwxsStT]{{9}}\S*\s.*?\d+,\s*\d+\s+(?:{_WHEN}|{_ISO}) .+", re.DOTALL)
_DOS = re.compile(
    r"(\d\d-\d\d-\d{2,4}\s+\d\d:\d\d\s?(?:[AaPp][Mm])?|\d{4}-\d\d-\d\d\s+\d\d:\d\d)\s+(?:(<[A-Z]+>)\s+|([\d,.]{1,24})\s)(.+)",
    re.DOTALL,
)
_EPLF = re.compile(r"\+([^\t]*)\t(.+)", re.DOTALL)
_NO_ENTRY = re.compile(r"\s*|total\s+\d+.*", re.IGNORECASE | re.DOTALL)
_WANTED = re.compile(r"(?:^|;)(type|size|modify)=([^;]*)")
_FACT = re.compile(r"\d{14}(?:\.\d+)?")
_QUARTER = timedelta(minutes=15)
_FARTHEST = timedelta(hours=14)


class Item(msgspec.Struct, frozen=True):
    """``modified`` is the server's text, which :func:`time_of` reads when it is a time of RFC 3659."""

    name: str
    is_folder: bool
    size: int | None
    modified: str
    is_link: bool = False


class Unlisted(Exception):
    """A line that is of no known form; the message is the line."""


def from_mlsd(line: str) -> Item | None:
    """None for what is neither a file nor a folder below, and for what is no MLSD line."""
    facts_text, space, name = line.partition(" ")
    if not space or not name or not facts_text.endswith(";"):
        return None
    facts = dict(_WANTED.findall(facts_text.lower()))
    kind, size = facts.get("type", ""), facts.get("size", "")
    if kind not in ("file", "dir") or name in (".", ".."):
        return None
    known = size.isascii() and size.isdigit() and len(size) <= 18
    return Item(name, kind == "dir", int(size) if known else None, facts.get("modify", ""))


def from_list_line(line: str) -> Item | None:
    """A line in the form of ``ls -l``, of DOS ``dir``, or of EPLF; None for a line about no file. Links are taken for files.

    Raises Unlisted for a line of another form: it may be about a file that would be lost.
    """
    if _NO_ENTRY.fullmatch(line):
        return None
    if match := _UNIX.fullmatch(line):
        kind, size, modified, name = match.groups()
        if kind not in "-dl":
            return None  # a device, a pipe or a socket
        name = name.partition(" -> ")[0] if kind == "l" else name
        return _item(name, kind == "d", int(size), modified, is_link=kind == "l")
    if match := _DOS.fullmatch(line):
        modified, special, size, name = match.groups()
        if special:
            return _item(name, special == "<DIR>", None, modified, is_link=special != "<DIR>")
        digits = re.sub(r"[,.]", "", size)
        return _item(name, False, int(digits) if digits else None, modified)
    if match := _EPLF.fullmatch(line):
        return _of_eplf(*match.groups())
    if _DEVICE.fullmatch(line):
        return None
    raise Unlisted(line)


def _item(name: str, is_folder: bool, size: int | None, modified: str, *, is_link: bool = False) -> Item | None:
    known = None if is_folder or is_link else size
    return None if name in (".", "..") else Item(name, is_folder, known, " ".join(modified.split()), is_link)


def _of_eplf(text: str, name: str) -> Item | None:
    """D. J. Bernstein's Easily Parsed LIST Format: ``m`` is a time in seconds since 1970."""
    facts = text.split(",")
    size = next((fact[1:] for fact in facts if re.fullmatch(r"s[0-9]{1,18}", fact)), None)
    seconds = next((fact[1:] for fact in facts if re.fullmatch(r"m[0-9]{1,11}", fact)), None)
    if "/" not in facts and "r" not in facts:
        return None
    try:
        modified = f"{datetime.fromtimestamp(int(seconds), UTC):%Y%m%d%H%M%S}" if seconds else ""
    except (ValueError, OverflowError, OSError):
        modified = ""
    return _item(name, "/" in facts, int(size) if size else None, modified)


def time_of(modified: str) -> datetime | None:
    """A time of RFC 3659: ``20261003055900``, with or without a fraction, always UTC. None for other text."""
    if _FACT.fullmatch(modified) is None:
        return None
    try:
        return datetime(
            int(modified[:4]), int(modified[4:6]), int(modified[6:8]), int(modified[8:10]), int(modified[10:12]),
            int(modified[12:14]), tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None


class Wall(msgspec.Struct, frozen=True):
    """What a clock at the server showed, as far as a listing says it: to the minute, or only the day."""

    time: datetime
    """Without a zone."""
    to_the_minute: bool = True

    def may_be(self, other: Wall) -> bool:
        """Whether the two can be one time, as far as both say it."""
        if self.to_the_minute and other.to_the_minute:
            return self.time == other.time
        return self.time.date() == other.time.date()


def wall_of(modified: str, now: datetime) -> Wall | None:
    """The time of a LIST line, in the server's own zone. One without a year lies within the year before tomorrow."""
    words = modified.replace(",", " ").split()
    if match := re.fullmatch(r"(\d\d)-(\d\d)-(\d{2}|\d{4}) (\d\d):(\d\d) ?([AaPp][Mm])?", modified):
        return _wall(_year(match[3]), match[1], match[2], match[4], match[5], match[6])
    if match := re.match(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)", modified):
        return _wall(match[1], match[2], match[3], match[4], match[5])
    if len(words) != 3:
        return None
    first, second, last = (word.rstrip(".").lower() for word in words)
    month, day = (_MONTHS.get(first), second) if first in _MONTHS else (_MONTHS.get(second), first)
    if month is None or not day.isdecimal():
        return None
    if ":" not in last:
        return _wall(last, month, day) if last.isdecimal() else None
    hour, _, minute = last.partition(":")
    tomorrow = now.replace(tzinfo=None) + timedelta(days=1)
    for year in (tomorrow.year, tomorrow.year - 1):
        found = _wall(year, month, day, hour, minute)
        if found is not None and found.time <= tomorrow:
            return found
    return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 70 else 1900)


def _wall(
    year: str | int, month: str | int, day: str, hour: str | None = None, minute: str = "0", half: str | None = None
) -> Wall | None:
    try:
        hours = int(hour or 0)
        if half is not None:
            hours = hours % 12 + (12 if half.lower() == "pm" else 0)
        return Wall(datetime(int(year), int(month), int(day), hours, int(minute)), hour is not None)
    except ValueError:
        return None


class ServerZone:
    """How far the clock of a server's listings is from UTC, learnt from files of which both times are known.

    Nothing is known until one file tells; when files contradict each other by more than summer time, nothing is.
    """

    def __init__(self) -> None:
        self._seen: set[timedelta] = set()

    def learn(self, wall: Wall | None, instant: datetime | None) -> None:
        """One file's time in the listing, and by MDTM."""
        if wall is None or instant is None or not wall.to_the_minute:
            return
        offset = _rounded(wall, instant)
        if offset is not None:
            self._seen.add(offset)

    @property
    def offset(self) -> timedelta | None:
        """To be added to UTC; the smaller one where summer time is seen. None: not known."""
        if not self._seen or max(self._seen) - min(self._seen) > timedelta(hours=1):
            return None
        return min(self._seen)

    def agrees(self, wall: Wall | None, instant: datetime | None) -> bool:
        """Whether a time in the listing can be this instant, with or without summer time. To the minute it needs a known zone."""
        if wall is None or instant is None:
            return False
        there = instant.replace(tzinfo=None)
        if not wall.to_the_minute:
            return -_FARTHEST <= there - wall.time < _FARTHEST + timedelta(days=1)
        apart = None if self.offset is None else wall.time - there.replace(second=0, microsecond=0) - self.offset
        return apart is not None and abs(apart) in (timedelta(0), timedelta(hours=1))


def _rounded(wall: Wall, instant: datetime) -> timedelta | None:
    """The offset in quarters of an hour; None when the two are no such time apart."""
    apart = wall.time - instant.replace(tzinfo=None, second=0, microsecond=0)
    quarters = round(apart / _QUARTER)
    return apart if quarters * _QUARTER == apart and abs(apart) <= _FARTHEST else None
