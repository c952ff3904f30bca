"""A run: land, load, build and check, publish, deliver. Kill it anywhere and run again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.ids import new_run_id
from startrail.base.time import to_text
from startrail.flow.capability import Capability, Phase, Watcher
from startrail.flow.errors import ClockSetBack
from startrail.flow.events import Emit, Event, RunAbandoned, RunEnded, RunStarted, Waiting, WatchFailed
from startrail.flow.lease import holding
from startrail.flow.publish import end_holds, hold, publish
from startrail.flow.select import Selection
from startrail.flow.session import Ports, Session, to_facts
from startrail.flow.tasks import Outcome, execute
from startrail.flow.ticks import claimed, ended
from startrail.flow.workspace import Workspace
from startrail.model.delivery import Counts
from startrail.model.profile import Profile
from startrail.model.project import Project
from startrail.model.run import NewFact, Run, RunState
from startrail.model.schedule import Tick
from startrail.model.step import Fact

_TELL_AGAIN = timedelta(hours=1)
"""A scheduler looks every minute; the same trouble with that is a fact every hour."""
CLOCK_TOLERANCE = timedelta(seconds=5)
"""Clocks of several machines differ by this much without harm: facts of one run stay in order all the same."""
_TOLD_TOLERANCE = timedelta(minutes=10)
"""A time that was told goes on while a command works, however slow the machine is; the next one may be told the same."""


class Result(msgspec.Struct, frozen=True):
    """How a run ended. ``ok`` is False when a step failed, a publication was held, or a delivery was set aside."""

    run: str
    state: RunState
    steps: int
    skipped: int
    counts: Counts
    published: bool
    failed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.state == "done" and not self.counts.held


def run(
    project: Project,
    profile: Profile,
    ports: Ports,
    capabilities: Sequence[Capability],
    selection: Selection,
    show: Emit,
    *,
    profile_name: str = "local",
    wait: float = 600.0,
    watchers: Sequence[Watcher] = (),
    tick: Tick | None = None,
) -> Result:
    """Do everything that is due; ``watchers`` look at it when it has ended. Raises RunnerBusy, ClockSetBack, LeaseLost; with a
    ``tick`` that another runner has, TickTaken."""
    check_clock(ports)
    waited: list[Waiting] = []

    def waiting(event: Event) -> None:
        show(event)
        if isinstance(event, Waiting):
            waited.append(event)

    with holding(ports.ledger, ports.wall, waiting, wait) as lease:
        started = ports.clock.now()
        run_id = new_run_id(started)
        beginning: list[Event] = [RunStarted(run=run_id, profile=profile_name, at=to_text(started))]

        def begun(abandoned: tuple[str, ...]) -> tuple[NewFact, ...]:
            beginning.extend(RunAbandoned(run=dead) for dead in abandoned)
            beginning.extend(claimed(tick, run_id))
            return to_facts(*waited, *beginning)

        ports.ledger.start_run(Run(run_id, started, profile=profile_name, project=project.digest), lease, begun, tick)
        for event in beginning:
            show(event)
        workspace = Workspace(ports.ledger, ports.tables)
        session = Session(project, profile, ports, workspace, selection, lease, run_id, show)
        try:
            result = _phases(session, capabilities)
        except BaseException as error:
            error.add_note(f"in run {run_id}")
            now = ports.clock.now()
            ports.ledger.end_run(run_id, "failed", now, to_facts(*ended(tick, run_id, "failed", now)))
            raise
        now = ports.clock.now()
        over = RunEnded(
            run=run_id, state=result.state, steps=result.steps, skipped=result.skipped, counts=result.counts,
            everything=selection.everything,
        )  # fmt: skip
        tick_over = ended(tick, run_id, result.state, now)
        ports.ledger.end_run(run_id, result.state, now, to_facts(over, *tick_over))
        look(watchers, ports, run_id, show)
        for event in (over, *tick_over):
            show(event)
        return result


def look(watchers: Sequence[Watcher], ports: Ports, run: str | None, show: Emit) -> None:
    """Let the watchers look at what has happened. What one of them cannot do is told, and breaks nothing: the facts stay,
    and the next look reads them."""
    for watcher in watchers:
        try:
            watcher.after_run(ports, run, show)
        except Exception as error:
            told = str(error) if isinstance(error, StartrailError) else f"{type(error).__name__}: {error}"
            failed = WatchFailed(subject=watcher.name, error=told)
            show(failed)
            [fact], now = to_facts(failed), ports.clock.now()
            with suppress(StartrailError):  # a ledger that takes no incident may take no fact either
                ports.ledger.append_once(fact, partial(_told_lately, fact, now), run=run, at=now)


def _told_lately(new: NewFact, now: datetime, old: Fact) -> bool:
    return old.payload == new.payload and now - old.at < _TELL_AGAIN


def _phases(session: Session, capabilities: Sequence[Capability]) -> Result:
    before: tuple[Phase, ...] = ("land", "load", "build", "check")
    outcomes = [_phase(phase, session, capabilities) for phase in before]
    broken = _failed_checks(outcomes)
    published = False
    if broken:
        hold(session, "; ".join(broken))
        session.failed.update(session.workspace.changes)
    else:
        published = publish(session)
    outcomes.append(_phase("deliver", session, capabilities))
    done = [output for outcome in outcomes for output in outcome.done.values()]
    failed = tuple(str(error) for outcome in outcomes for error in outcome.failed.values())
    counts = sum((output.counts for output in done if output.counts is not None), Counts())
    state: RunState = "held" if broken else "failed" if failed else "done"
    if state == "done" and session.selection.everything:
        end_holds(session)
    steps = sum(len(outcome.done) for outcome in outcomes[1:])  # looking for new deliveries is no step of its own
    return Result(session.run, state, steps, session.skipped, counts, published, failed)


def _phase(phase: Phase, session: Session, capabilities: Iterable[Capability]) -> Outcome:
    tasks = [task for capability in capabilities for task in capability.tasks(phase, session)]
    return execute(tasks, session) if tasks else Outcome()


def _failed_checks(outcomes: list[Outcome]) -> list[str]:
    return [
        f"{output.note.get('model', '?')}: {check.check} {check.message}".strip()
        for outcome in outcomes
        for output in outcome.done.values()
        for check in output.checks
        if not check.passed and check.severity == "error"
    ]


def check_clock(ports: Ports) -> None:
    """Raise ClockSetBack when the clock stands well before the newest fact."""
    latest = ports.ledger.latest_fact()
    now = ports.clock.now()
    tolerance = _TOLD_TOLERANCE if ports.told_time else CLOCK_TOLERANCE
    if latest is not None and now < latest.at - tolerance:
        raise ClockSetBack(
            f"the clock says {to_text(now)}, but the newest fact is of {to_text(latest.at)}",
            affects="this run; nothing was changed",
            hint="set the clock right, or give --now an instant after the newest fact",
        )
