"""Expected files, held against the ledger: what is open now, and which facts that makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from startrail.base.time import to_text
from startrail.capabilities.sources.expect import HORIZON, Wanted, after, judge, one, wanted
from startrail.flow.events import Event, SourceExpectedArrived, SourceExpectedDropped, SourceExpectedMissing
from startrail.model.expect import Arrival, Expectation, Expected, LandedName, Settled
from startrail.model.source import HttpFeed, Source
from startrail.ports.arrivals import Arrivals


class News(msgspec.Struct, frozen=True):
    """Something that the ledger does not know yet, and the event that tells it."""

    arrival: Arrival
    event: Event


def expecting(sources: Iterable[Source]) -> dict[str, frozenset[str]]:
    """What is declared, in the words by which the ledger remembers it."""
    return {source.name: frozenset(each.what for each in source.expect) for source in sources if source.expect}


def open_instants(source: Source, ledger: Arrivals, since: Mapping[str, datetime], now: datetime) -> list[Expected]:
    """Of each expectation: what is missing, what has just arrived, and the next instant; in order of time.

    ``since``: when each began to be expected. What the ledger remembers to have arrived is over, and left out.
    """
    known = {(each.what, each.due): each.state for each in ledger.arrivals(source.name, now - HORIZON)}

    found: list[Expected] = []
    for expectation in source.expect:
        instants = _instants(expectation, since.get(expectation.what, now), known, now)
        landed = _Landed(source, ledger, min((each.after for each in instants), default=now))
        found += [judge(source.name, expectation, each, landed.since, now) for each in instants]
    return sorted(found, key=lambda each: (each.due, each.what))


class _Landed:
    """Names that landed, asked for once however many instants look at them."""

    def __init__(self, source: Source, ledger: Arrivals, earliest: datetime) -> None:
        self._source, self._ledger, self._earliest = source, ledger, earliest
        self._known: dict[str, list[LandedName]] = {}

    def since(self, prefix: str, after: datetime) -> list[LandedName]:
        if prefix not in self._known:
            self._known[prefix] = self._asked(prefix)
        return [each for each in self._known[prefix] if each.at > after]

    def _asked(self, prefix: str) -> list[LandedName]:
        if not isinstance(self._source.feed, HttpFeed):
            return self._ledger.landed_names(self._source.name, prefix, self._earliest)
        found = self._ledger.landed_names(self._source.name, "", self._earliest)  # whose names are whole paths
        return [msgspec.structs.replace(each, name=each.name.rpartition("/")[2]) for each in found]


def _instants(
    expectation: Expectation, since: datetime, known: Mapping[tuple[str, datetime], str], now: datetime
) -> list[Wanted]:
    what = expectation.what
    recent = wanted(expectation, since, now)
    there = {each.due for each in recent}
    older = [due for (of, due), state in known.items() if of == what and state == "missing" and due not in there]
    instants = [*(one(expectation, due) for due in older), *recent]
    found = [each for each in instants if known.get((what, each.due), "missing") == "missing"]
    if recent and (not found or found[-1].due != recent[-1].due):  # the next one is here already: the one after it is next
        following = after(expectation, recent[-1].due)
        found += [] if following is None or (what, following.due) in known else [following]
    return found


def news(found: Iterable[Expected], *, paused: bool, asked: datetime | None, now: datetime) -> list[News]:
    """What is to be told: that something is missing, unless a person paused the source, and that something has arrived."""
    told: list[News] = []
    for each in found:
        if each.state == "missing" and not paused:
            told.append(News(_arrival(each, "missing", now), _missing(each, asked)))
        elif each.there:
            told.append(News(_arrival(each, "arrived", now), _arrived(each)))
    return told


def dropped(missing: Iterable[Arrival], declared: Mapping[str, frozenset[str]], now: datetime) -> list[News]:
    """What was missing, and is no longer expected as it was."""
    return [
        News(
            msgspec.structs.replace(each, state="dropped", at=now),
            SourceExpectedDropped(subject=each.source, what=each.what, file=each.file, due=to_text(each.due)),
        )
        for each in missing
        if each.what not in declared.get(each.source, frozenset())
    ]


def _arrival(each: Expected, state: Settled, now: datetime) -> Arrival:
    return Arrival(each.source, each.what, each.due, state, each.file, now)


def _missing(each: Expected, asked: datetime | None) -> SourceExpectedMissing:
    return SourceExpectedMissing(
        subject=each.source, what=each.what, file=each.file, due=to_text(each.due), found=each.found, wanted=each.wanted,
        asked=None if asked is None else to_text(asked),
    )  # fmt: skip


def _arrived(each: Expected) -> SourceExpectedArrived:
    late = None
    if each.state == "arrived late" and each.at is not None:
        late = int((each.at - each.due).total_seconds() // 60)
    return SourceExpectedArrived(
        subject=each.source, what=each.what, file=each.file, due=to_text(each.due), found=each.found,
        at=to_text(each.at or each.due), minutes_late=late,
    )  # fmt: skip
