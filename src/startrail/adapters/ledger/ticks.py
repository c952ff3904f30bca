"""Schedules and their ticks in the database."""

from __future__ import annotations

from datetime import datetime

from startrail.adapters.ledger.instants import instant_or_none
from startrail.adapters.ledger.session import Row, Session, decoding
from startrail.base.time import from_text, to_text
from startrail.ledger.errors import TickTaken
from startrail.model.run import Run, RunState
from startrail.model.schedule import Tick, TickRecord, Watch

_FOR_EVER = "9999"


def watches(session: Session, until: datetime | None) -> dict[str, Watch]:
    with decoding("its schedules"):
        ticks: dict[str, list[TickRecord]] = {}
        for row in session.all("ticks.open", until=_FOR_EVER if until is None else to_text(until)):
            ticks.setdefault(row[0], []).append(_record(row))
        return {
            name: Watch(name, cron, zone, from_text(since), from_text(through), tuple(ticks.get(name, ())))
            for name, cron, zone, since, through in session.all("ticks.watches")
        }


def watch(session: Session, wanted: Watch) -> bool:
    """False when it is watched like this already."""
    values = {
        "name": wanted.name,
        "cron": wanted.cron,
        "timezone": wanted.timezone,
        "since": to_text(wanted.since),
        "through": to_text(wanted.through),
    }
    return session.run("ticks.watch", **values) > 0 or session.run("ticks.change", **values) > 0


def decide(session: Session, name: str, before: datetime, through: datetime) -> bool:
    """False when somebody else has decided meanwhile."""
    return session.run("ticks.pass", name=name, before=to_text(before), through=to_text(through)) > 0


def claim(session: Session, tick: Tick, run: Run) -> None:
    """Make the tick this run's. Raises TickTaken; the run is then not recorded either."""
    at, now = to_text(tick.at), to_text(run.started_at)
    if tick.takes_over is not None:
        taken = session.run("ticks.take_over", schedule=tick.schedule, at=at, run=run.id, dead=tick.takes_over, now=now)
    else:
        taken = session.run("ticks.reach", name=tick.schedule, at=at)
        taken = taken and session.run("ticks.claim", schedule=tick.schedule, at=at, run=run.id, now=now)
    if not taken:
        raise TickTaken(
            f"the tick {at} of schedule '{tick.schedule}' is another runner's",
            affects="nothing; it runs once",
            hint="startrail schedule list",
        )


def give_up(session: Session, tick: Tick, now: datetime) -> bool:
    dead = tick.takes_over or ""
    return session.run("ticks.give_up", schedule=tick.schedule, at=to_text(tick.at), dead=dead, now=to_text(now)) > 0


def end(session: Session, run: str, state: RunState, now: datetime) -> None:
    session.run("ticks.end", run=run, state=state, now=to_text(now))


def newest(session: Session, schedule: str, limit: int) -> list[TickRecord]:
    with decoding("its ticks"):
        return [_record(row) for row in session.all("ticks.newest", schedule=schedule, limit=limit)]


def _record(row: Row) -> TickRecord:
    schedule, at, state, run, attempts, claimed, ended, over = row
    dead = state == "running" and bool(over)
    return TickRecord(schedule, from_text(at), state, run, attempts, from_text(claimed), instant_or_none(ended), dead)
