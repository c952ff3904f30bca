"""Which files were expected by now, and which have landed. A pure function of declaration, names that landed, and time.

An instant is one at which a clock on the wall in the declared zone shows the time (see ``flow/due.py`` for the days on which
it is set). Where the day stands in the name, the file of that day counts, whenever it landed. Where it does not, whatever has
landed since the instant before counts: so a file that comes too late is the late one of yesterday, and today's as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec

from startrail.base.time import zone
from startrail.base.units import parse_duration
from startrail.flow.due import instants
from startrail.model.dated import NamesOfDay, expand, is_dated
from startrail.model.expect import Expectation, Expected, LandedName

HORIZON = timedelta(days=31)
"""An instant that is longer ago is not looked at any more."""
MOST = 50
"""Of each expectation the newest so many instants."""
_LOOKS = (timedelta(days=1), timedelta(days=4), HORIZON)
_BEFORE = (timedelta(days=1), timedelta(days=8), timedelta(days=32), timedelta(days=400))
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class Wanted(msgspec.Struct, frozen=True):
    """One instant. Names that landed ``after`` count, when they match."""

    due: datetime
    until: datetime
    named: NamesOfDay
    after: datetime
    dated: bool


Landed = Callable[[str, datetime], Iterable[LandedName]]
"""Names of the source that begin like this and landed after an instant."""


def wanted(expectation: Expectation, since: datetime, now: datetime) -> list[Wanted]:
    """The instants after ``since``: the newest of those that have passed, and the next one; in order."""
    cron, tz = _cron(expectation), zone(expectation.timezone)
    past: list[datetime] = []
    for back in _LOOKS:
        past = list(instants(cron, tz, max(since, now - back), now))
        if len(past) >= MOST or now - back <= since:
            break
    dues = [*past[-MOST:], *islice(instants(cron, tz, max(since, now)), 1)]
    if not dues:
        return []
    before = _before(cron, dues[0], expectation)
    return [_wanted(expectation, due, after) for due, after in zip(dues, [before, *dues], strict=False)]


def after(expectation: Expectation, due: datetime) -> Wanted | None:
    """The instant that follows; None when there is none."""
    following = list(islice(instants(_cron(expectation), zone(expectation.timezone), due), 1))
    return _wanted(expectation, following[0], due) if following else None


def one(expectation: Expectation, due: datetime) -> Wanted:
    """A single instant of it, however long ago."""
    return _wanted(expectation, due, _before(_cron(expectation), due, expectation))


def judge(source: str, expectation: Expectation, each: Wanted, landed: Landed, now: datetime) -> Expected:
    """What became of one instant."""
    names = landed(each.named.prefix, each.after)
    ats = sorted(name.first_at if each.dated else name.at for name in names if each.named.matches(name.name))
    count = expectation.at_least
    at = ats[count - 1] if len(ats) >= count else None
    if at is not None:
        state = "arrived" if at <= each.until else "arrived late"
    else:
        state = "due" if now <= each.due else "late" if now <= each.until else "missing"
    return Expected(source, expectation.what, each.named.shown, each.due, each.until, state, len(ats), count, at)


def expected(
    source: str, expectation: Expectation, landed: Iterable[LandedName], since: datetime, now: datetime
) -> list[Expected]:
    """All instants that :func:`wanted` gives, judged by what has landed."""
    names = list(landed)

    def find(prefix: str, after: datetime) -> Iterable[LandedName]:
        return [name for name in names if name.name.startswith(prefix) and name.at > after]

    return [judge(source, expectation, each, find, now) for each in wanted(expectation, since, now)]


def _wanted(expectation: Expectation, due: datetime, after: datetime) -> Wanted:
    day = due.astimezone(zone(expectation.timezone)).replace(tzinfo=None) - timedelta(days=expectation.days_before)
    dated = is_dated(expectation.file)
    until = due + parse_duration(expectation.grace)
    return Wanted(due, until, expand(expectation.file, day), LONG_AGO if dated else after, dated)


def _cron(expectation: Expectation) -> str:
    if expectation.cron is not None:
        return expectation.cron
    hour, minute = (expectation.by or "00:00").split(":")
    days = ",".join(expectation.days) or "*"
    return f"{int(minute)} {int(hour)} * * {days}"


def _before(cron: str, due: datetime, expectation: Expectation) -> datetime:
    """The instant before; a long time ago when there is none."""
    for back in _BEFORE:
        found = [at for at in instants(cron, zone(expectation.timezone), due - back, due) if at < due]
        if found:
            return found[-1]
    return LONG_AGO
