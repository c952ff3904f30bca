"""Forecasts of a project's reports, and the facts that tell early of one that may be late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from startrail.base.crash import crash_point
from startrail.base.time import to_text
from startrail.flow.events import Emit, ReportAtRisk, ReportLate
from startrail.flow.session import Ports, to_facts
from startrail.wiring import Opened

if TYPE_CHECKING:
    from startrail.capabilities.reports.ahead import Ahead
    from startrail.capabilities.reports.forecast import Forecast
    from startrail.flow.pauses import Pause
    from startrail.model.expect import Expected
    from startrail.model.step import Fact


class Deadlines:
    """Fulfils ``flow.capability.Watcher``. Stands before the watch over incidents, which reads what it tells."""

    name = "forecast of deadlines"

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def after_run(self, ports: Ports, run: str | None, show: Emit) -> None:
        crash_point("before forecast")
        for found in forecasts(self._opened):
            event = _event(found)
            if event is None:
                continue
            [fact] = to_facts(event)
            if ports.ledger.append_once(fact, lambda old, new=event: _tells(old, new), run=run, at=ports.clock.now()):
                show(event)
        crash_point("after forecast")


def ahead(opened: Opened) -> Ahead:
    """What forecasts are made from; worked out when it is asked for."""
    from startrail.capabilities.reports.ahead import Ahead, Around

    ports = opened.ports

    def graph() -> dict[str, frozenset[str]]:
        from startrail.wiring.graph import graph

        return graph(opened)

    def running() -> bool:
        from startrail.flow.lease import RUNNER

        holder = ports.ledger.holder(RUNNER)
        return holder is not None and holder.expires_at > ports.wall.now()

    def pauses() -> dict[str, Pause]:
        from startrail.flow.pauses import paused

        return paused(ports.ledger, ports.clock.now())

    def starts(report: str) -> datetime | None:
        return _next_start(report, opened, graph)

    def expected(source: str) -> Sequence[Expected]:
        from startrail.wiring.arrivals import expected

        return expected(opened, opened.project.sources[source])

    return Ahead(opened.project, ports.ledger, Around(graph, pauses, running, starts, expected), ports.clock.now())


def _next_start(report: str, opened: Opened, graph: Callable[[], dict[str, frozenset[str]]]) -> datetime | None:
    """The next instant of the schedules that run the report. One that no scheduler has ever looked at starts nothing."""
    project = opened.project
    if not project.schedules and all(each.schedule is None for each in (*project.sources.values(), *project.models.values())):
        return None
    from startrail.capabilities.schedules.standing import standing
    from startrail.capabilities.schedules.upcoming import next_instant
    from startrail.flow.select import select

    watched = opened.ports.ledger.watches()
    running = [
        each for each in standing(project) if each.name in watched and (not each.words or report in select(each.words, graph()))
    ]
    found = next_instant(running, opened.ports.clock.now()) if running else None
    return None if found is None else found[0]


def forecasts(opened: Opened) -> list[Forecast]:
    """Of every report with a deadline, in order of name; none before the first run."""
    return ahead(opened).all() if opened.ports.ledger.runs(1) else []


def _event(found: Forecast) -> ReportAtRisk | ReportLate | None:
    if found.state not in ("at risk", "late"):
        return None
    kind = ReportLate if found.state == "late" else ReportAtRisk
    lower, expected, upper = (
        None if each is None else to_text(each) for each in (found.lower, found.expected, found.upper)
    )  # fmt: skip
    return kind(
        subject=found.report, report=found.report, due=to_text(found.due), lower=lower, expected=expected, upper=upper,
        waits=found.waits[:20], unknown=found.unknown[:20], person=found.person,
    )  # fmt: skip


class _Told(msgspec.Struct):
    due: str
    person: bool = False


def _tells(old: Fact, new: ReportAtRisk | ReportLate) -> bool:
    told = msgspec.json.decode(old.payload, type=_Told)
    return told.due == new.due and (told.person or not new.person)
