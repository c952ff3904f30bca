"""How long incidents took: to detect, notify, acknowledge, mitigate, resolve; median and worst by class of cause.

The times are those of :mod:`~startrail.capabilities.incidents.times`; here they are only gathered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from startrail.capabilities.incidents.times import PHASES, Times, first_sight, times
from startrail.ledger.incidents import change_of
from startrail.model import incident as i
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

_ALL = 1_000_000


class Told(msgspec.Struct, frozen=True):
    """One incident by its facts; None for ``ended_at`` while it is not over."""

    incident: str
    cause: str
    opened_at: datetime
    times: Times
    ended_at: datetime | None = None


class Spread(msgspec.Struct, frozen=True):
    """Of one phase, over the ``measured`` incidents of which facts tell its end."""

    measured: int
    median_seconds: float
    worst_seconds: float
    worst: str
    """The incident that took longest."""
    facts: tuple[int, int]
    """First sight and end of that one."""


class CauseHistory(msgspec.Struct, frozen=True, tag_field="type", tag="cause_history"):
    """Incidents of one class that were opened in the time looked at. ``phases``: those that were measured at all."""

    cause: str
    incidents: int
    reopened: int
    phases: dict[str, Spread]


class StillOpen(msgspec.Struct, frozen=True, tag_field="type", tag="still_open"):
    """An incident that is not over, whenever it was opened: its time to resolve is not known, so it stands apart."""

    incident: str
    cause: str
    state: str
    seconds: float
    """Since it was first seen, or opened when that is not known."""


class History(msgspec.Struct, frozen=True):
    """``causes`` in order of name."""

    causes: tuple[CauseHistory, ...]
    still_open: tuple[StillOpen, ...]


def told(incident: str, facts: Sequence[Fact], seen: Fact | None) -> Told:
    """One incident: ``facts`` are those whose subject it is, in order; ``seen`` is that of its first sight."""
    (at, cause), *_ = [(fact.at, change.cause) for fact in facts if isinstance(change := change_of(fact), i.Opened)]
    measured = times(facts, seen)
    end = measured.moments.get("resolve")
    return Told(incident, cause, at, measured, None if end is None else end.at)


def history(all_of_them: Iterable[tuple[Told, int]], since: datetime) -> tuple[CauseHistory, ...]:
    """By class of cause, of those opened since then; each incident comes with how often it was opened again."""
    by_cause: dict[str, list[tuple[Told, int]]] = {}
    for each, again in all_of_them:
        if each.opened_at >= since:
            by_cause.setdefault(each.cause, []).append((each, again))
    return tuple(
        CauseHistory(cause, len(found), sum(again for _, again in found), _spreads([each for each, _ in found]))
        for cause, found in sorted(by_cause.items())
    )


def _spreads(found: Sequence[Told]) -> dict[str, Spread]:
    spreads: dict[str, Spread] = {}
    for phase in PHASES:
        took = {each.incident: (time, each.times) for each in found if (time := each.times.took(phase)) is not None}
        if took:
            worst = max(took, key=lambda name: (took[name][0], name))
            time, its = took[worst]
            assert its.seen is not None  # it was measured
            spreads[phase] = Spread(
                len(took), median(each.total_seconds() for each, _ in took.values()), time.total_seconds(), worst,
                (its.seen.seq, its.moments[phase].seq),
            )  # fmt: skip
    return spreads


def read(ledger: Ledger, now: datetime, days: int) -> History:
    """From the ledger: reads the facts of the incidents concerned and no others."""
    since = now - timedelta(days=days)
    found: list[tuple[Told, int]] = []
    standing: list[StillOpen] = []
    for incident in ledger.incidents(limit=_ALL):
        if incident.opened_at < since and incident.state == "resolved":
            continue
        facts = list(ledger.facts(subject=incident.id))
        changes = [change for fact in facts if (change := change_of(fact)) is not None]
        each = told(incident.id, facts, _seen(first_sight(changes), ledger))
        found.append((each, incident.reopened))
        if incident.state != "resolved":
            start = each.times.seen.at if each.times.seen is not None else each.opened_at
            standing.append(StillOpen(incident.id, incident.cause, incident.state, max(0.0, (now - start).total_seconds())))
    return History(history(found, since), tuple(sorted(standing, key=lambda each: (-each.seconds, each.incident))))


def _seen(seq: int | None, ledger: Ledger) -> Fact | None:
    found = None if seq is None else next(iter(ledger.facts(after=seq - 1, limit=1)), None)
    return found if found is not None and found.seq == seq else None
