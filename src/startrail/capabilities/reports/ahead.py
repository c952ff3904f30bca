"""What is on the way to each report, read from the ledger: usual durations, what is done, what is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from startrail.base.text import printable
from startrail.capabilities.reports.deadline import day_of, due
from startrail.capabilities.reports.forecast import Forecast, Part, forecast, usual
from startrail.flow.events import StepFailed
from startrail.flow.pauses import Pause
from startrail.model.expect import Expected
from startrail.model.project import Project
from startrail.model.report import Report
from startrail.model.run import Run
from startrail.model.step import Took
from startrail.ports.ledger import Ledger

TIMES = 200
"""Newest steps of each name that are looked at."""
RUNS = 30
"""Of these, so many runs."""


class Around(msgspec.Struct, frozen=True):
    """What is the same for all reports. Each function is asked only when a report is not delivered yet."""

    graph: Callable[[], Mapping[str, frozenset[str]]]
    pauses: Callable[[], Mapping[str, Pause]]
    running: Callable[[], bool]
    """Whether a runner is at work."""
    starts: Callable[[str], datetime | None]
    """When a run that delivers a report begins by itself next."""
    expected: Callable[[str], Sequence[Expected]] = lambda _: ()
    """Files that a source is expected to have by some time and has not, or that are next."""


class Ahead:
    """Forecasts of a project's reports at one moment."""

    def __init__(self, project: Project, ledger: Ledger, around: Around, now: datetime) -> None:
        self._project, self._ledger, self._around, self._now = project, ledger, around, now
        self._parts: dict[tuple[str, str, date], Part] = {}
        self._graph: Mapping[str, frozenset[str]] | None = None
        self._run: tuple[Run | None, bool] | None = None
        self._held: frozenset[str] | None = None
        self._pauses: Mapping[str, Pause] | None = None

    def all(self, names: Iterable[str] | None = None) -> list[Forecast]:
        """Of every report with a deadline, in order of name."""
        reports = [self._project.reports[name] for name in sorted(self._project.reports if names is None else names)]
        return [self.of(report) for report in reports if report.deadline is not None]

    def of(self, report: Report) -> Forecast:
        """The report of the day on which now is, in the zone of its deadline."""
        assert report.deadline is not None
        day = day_of(report, self._now)
        due_at = due(report.deadline, day)
        delivered = self._delivered(report, day)
        if delivered is not None:
            return forecast(report.name, {}, due=due_at, now=self._now, delivered_at=delivered)
        _, running = self._current()
        parts = {name: self._part(name, report, day) for name in self._way(report.name)}
        starts = None if running else self._around.starts(report.name)
        return forecast(report.name, parts, due=due_at, now=self._now, starts=starts, running=running)

    def _delivered(self, report: Report, day: date) -> datetime | None:
        """When the report of the day was first delivered."""
        times = [
            each.ended_at
            for each in self._ledger.took(report.name, TIMES)
            if each.kind == "deliver" and each.state == "published" and day_of(report, each.ended_at) == day
        ]
        return min(times, default=None)

    def _way(self, report: str) -> set[str]:
        if self._graph is None:
            self._graph = self._around.graph()
        found, front = {report}, [report]
        while front:
            for parent in self._graph.get(front.pop(), frozenset()):
                if parent not in found:
                    found.add(parent)
                    front.append(parent)
        return found

    def _part(self, name: str, report: Report, day: date) -> Part:
        key = (name, report.deadline.timezone if report.deadline else "", day)
        if key not in self._parts:
            self._parts[key] = self._worked_out(name, report, day)
        return self._parts[key]

    def _worked_out(self, name: str, report: Report, day: date) -> Part:
        run, running = self._current()
        took = [each for each in self._ledger.took(name, TIMES) if each.kind in ("load", "build", "check", "send", "deliver")]
        now = [each for each in took if run is not None and each.run == run.id] if running else []
        today = [each for each in took if each.state in ("staged", "published") and day_of(report, each.ended_at) == day]
        pause = self._paused(name)
        if pause is not None and self._served(name):
            return Part(name, done=True)  # the report goes out with the data there is
        lacking = self._lacking(name, report, day) if pause is None else []
        blocked = self._blocked(name, took, run) or _missing(lacking)
        waits = _coming(lacking) if pause is None else f"paused until {pause.until:%Y-%m-%d %H:%M} UTC"
        assert self._graph is not None
        return Part(
            name,
            self._graph.get(name, frozenset()),
            done=not running and bool(today) and blocked is None and not lacking and name != report.name,
            spent=sum(each.seconds for each in now),
            usual=usual(_per_run([each for each in took if each not in now and each.state != "failed"])),
            blocked=blocked,
            waits=waits,
            not_before=None if pause is None else pause.until,
            comes_by=max((max(each.due, self._now) for each in lacking if each.state in ("due", "late")), default=None),
        )

    def _lacking(self, name: str, report: Report, day: date) -> list[Expected]:
        """Files of the report's day that are expected before it is due, and are not there."""
        if report.deadline is None or name not in self._project.sources:
            return []
        due_at = due(report.deadline, day)
        expected = self._around.expected(name)
        return [each for each in expected if not each.there and each.due <= due_at and day_of(report, each.due) == day]

    def _paused(self, name: str) -> Pause | None:
        if self._pauses is None:
            self._pauses = self._around.pauses()
        return self._pauses.get(name) if name in self._project.sources else None

    def _served(self, source: str) -> bool:
        """Whether there is published data of it."""
        into = self._project.sources[source].into
        return into is None or bool(self._ledger.versions().get(into))

    def _blocked(self, name: str, took: list[Took], run: Run | None) -> str | None:
        """What a person has to mend before the report can be there. Last good data that is served blocks nothing."""
        failed = _failed(took)
        if failed is not None:
            return f"{failed.kind} failed: {_line(failed.error or '')}"
        if self._held is None:
            self._held = frozenset(map(str, self._ledger.held_tables()))
        if name in self._held:
            return "a check failed, and its new data is held"
        source = self._project.sources.get(name)
        if source is None:
            return None
        served = self._served(name)
        if not served and source.contract is not None:
            for _, records in self._ledger.pending(name):
                held = next((each.output.held for each in records if each.output is not None and each.output.held), None)
                if held:
                    return f"its delivery is held, and there is no earlier data: {_line(held)}"
        if run is not None and not served:
            for fact in self._ledger.facts(kind=StepFailed.fact, subject=name, run=run.id):
                return f"it failed: {_line(msgspec.json.decode(fact.payload, type=_Error).error)}"
        return None

    def _current(self) -> tuple[Run | None, bool]:
        """The newest run, and whether it is under way."""
        if self._run is None:
            run = next(iter(self._ledger.runs(1)), None)
            self._run = run, run is not None and run.state == "running" and self._around.running()
        return self._run


class _Error(msgspec.Struct):
    error: str = ""


def _per_run(took: list[Took]) -> list[float]:
    """Seconds of all steps of each run, the newest runs."""
    runs: dict[str, float] = {}
    for each in took:
        if each.run in runs or len(runs) < RUNS:
            runs[each.run] = runs.get(each.run, 0.0) + each.seconds
    return list(runs.values())


def _missing(lacking: list[Expected]) -> str | None:
    gone = [each for each in lacking if each.state == "missing"]
    return f"{_names(gone)} expected by {gone[0].due:%H:%M} UTC and missing" if gone else None


def _coming(lacking: list[Expected]) -> str | None:
    return f"{_names(lacking)} expected by {lacking[-1].due:%H:%M} UTC" if lacking else None


def _names(files: list[Expected]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{printable(files[0].file, 80)}{more}"


def _failed(took: list[Took]) -> Took | None:
    """The newest step, when it failed: a later one that did not has made up for it."""
    return took[0] if took and took[0].state == "failed" else None


def _line(text: str) -> str:
    return printable(text.partition("\n")[0], 160)
