"""Bridges in a run: once everything is built, each gap that has declared causes is held against them, before publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

import msgspec

from startrail.base.errors import ModelError, UsageError
from startrail.base.ids import fingerprint
from startrail.capabilities.why.gap import Gap, Line
from startrail.flow.capability import Phase, Planned
from startrail.flow.events import BridgeChecked
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.flow.workspace import Workspace, table_version
from startrail.ledger.canonical import canonical_json
from startrail.model.metric import Bridge, Metric
from startrail.model.project import Project
from startrail.model.step import CheckResult, Step, StepOutput
from startrail.ports.ledger import Ledger


class Bridged(msgspec.Struct, frozen=True):
    """One bridge in one period."""

    metric: str
    to: str
    period: str
    holds: bool
    severity: str = "warn"
    value: Decimal | None = None
    value_to: Decimal | None = None
    gap: Decimal | None = None
    """None when neither metric has a number in the period, or nothing could be attributed."""
    unit: str | None = None
    causes: dict[str, Decimal] = {}
    """Every cause, and what it carries."""
    new: dict[str, Decimal] = {}
    """Causes that the bridge does not name, and what they carry."""
    unexplained: Decimal = Decimal(0)
    refused: str | None = None
    """Why nothing could be attributed; then it does not hold."""

    @property
    def message(self) -> str:
        """What a person should know of one that does not hold."""
        if self.refused is not None:
            return self.refused
        told = [f"{cause} {_signed(amount)}" for cause, amount in self.new.items()]
        told += [f"unexplained {_signed(self.unexplained)}"] if self.unexplained else []
        unit = f" {self.unit}" if self.unit else ""
        return f"the gap of {_signed(self.gap or Decimal(0))}{unit} has what the bridge does not name: {'; '.join(told)}"


class Pair(NamedTuple):
    """What two metrics mean together: ``version`` changes when either number may, ``reads`` are the tables of both."""

    version: str
    reads: tuple[str, ...]


class Numbers(Protocol):
    """What is asked of the dictionary and of ``why``; the wiring answers. Only ``gap`` needs an engine."""

    def pair(self, project: Project, ledger: Ledger, metric: Metric, other: Metric) -> Pair: ...

    def periods(self, metric: Metric, now: datetime) -> tuple[str, ...]:
        """The last whole one and the running one."""
        ...

    def gap(self, session: Session, metric: Metric, other: Metric, period: str) -> Gap | None:
        """As the session sees its tables, staged ones too; None when neither has a number. Raises what ``why`` raises."""
        ...


class Bridges:
    """The capability; one object per run."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "check":
            return []
        loads = {source.into: source.name for source in session.project.sources.values()}
        due: list[_Due] = []
        for each in _wanted(session.project, session.ports.ledger, session.ports.clock.now(), self._numbers):
            tables = session.workspace.behind(*each.pair.reads)
            failed = any(table in session.failed or loads.get(table) in session.failed for table in tables)
            # What is about to be published is held against its bridges, whatever was selected.
            wanted = each.metric.name in session.selection or any(table in session.workspace.moved for table in tables)
            # A gap never mixes old and new: what failed or waits is bridged when it is there.
            if wanted and not failed and all(map(session.workspace.exists, tables)):
                due.append(each)
        steps = [each.step(session.workspace, session.ports.engine) for each in due]
        left = _left(steps, session)
        return [self._task(each, step, session) for each, step in zip(due, steps, strict=True) if step.key in left]

    def _task(self, each: _Due, step: Step, session: Session) -> Task:
        def work() -> StepOutput:
            found = judge(
                each.metric, each.bridge, each.period, lambda: self._numbers.gap(session, each.metric, each.other, each.period)
            )
            output = _output(found)
            session.emit_with(step, _event(found))
            session.workspace.stage(step, output)
            return output

        return Task(step, work, each.metric.name)


def plan_bridges(
    project: Project, workspace: Workspace, ledger: Ledger, engine: str, now: datetime, numbers: Numbers
) -> list[Planned]:
    """Bridges that a run would check now; reads only. What a run builds first may make it more."""
    planned = []
    for each in _wanted(project, ledger, now, numbers):
        if not all(map(workspace.exists, each.pair.reads)):
            continue
        step = each.step(workspace, engine)
        record = ledger.steps([step.key]).get(step.key)
        if record is None or record.state == "failed":
            because = "it did not hold" if record is not None else "not checked for the data and definitions as they are now"
            planned.append(Planned(step, "stale", because))
    return planned


def judge(metric: Metric, bridge: Bridge, period: str, gap: Callable[[], Gap | None]) -> Bridged:
    """Whether a bridge holds; one whose gap cannot be attributed does not. Raises what is no fault of the definitions, as
    when the engine runs out of memory."""
    try:
        found = gap()
    except (ModelError, UsageError) as error:
        if error.transient:
            raise
        refused = f"{error.code} {error.message}"
        return Bridged(metric.name, bridge.to, period, holds=False, severity=bridge.severity, refused=refused)
    if found is None:
        return Bridged(metric.name, bridge.to, period, holds=True, severity=bridge.severity)
    new = new_causes(found, bridge)
    beyond = sum((abs(line.amount) for line in new), Decimal(0)) + abs(found.unexplained)
    return Bridged(
        metric.name, bridge.to, period,
        holds=beyond <= Decimal(str(bridge.max_unexplained)),
        severity=bridge.severity,
        value=found.value_a,
        value_to=found.value_b,
        gap=found.gap,
        unit=found.unit,
        causes={line.cause: line.amount for line in found.lines},
        new={line.cause: line.amount for line in new},
        unexplained=found.unexplained,
    )  # fmt: skip


def new_causes(gap: Gap, bridge: Bridge) -> list[Line]:
    """The lines whose cause the bridge does not name: by slot, as ``expr``, ``filter no_test`` (also for each of several
    conditions in it), or ``filter`` for all of them."""
    known = tuple(" ".join(cause.split()) for cause in bridge.causes)

    def names(cause: str, slot: str) -> bool:
        return slot.rstrip("'") == cause or slot.startswith(f"{cause} ")

    def is_known(line: Line) -> bool:
        return bool(line.slots) and all(any(names(cause, slot) for cause in known) for slot in line.slots)

    return [line for line in gap.lines if line.amount and not is_known(line)]


class _Due(msgspec.Struct, frozen=True):
    """One bridge in one period, with what it is made of."""

    metric: Metric
    other: Metric
    bridge: Bridge
    period: str
    pair: Pair

    def step(self, workspace: Workspace, engine: str) -> Step:
        """Another number on either side, other rows in any table behind them, another promise: another step."""
        tables = workspace.behind(*self.pair.reads)
        inputs = fingerprint([f"{table}={_version(workspace.versions, table)}" for table in tables])
        code = fingerprint(self.pair.version, canonical_json(self.bridge), engine)
        return Step("bridge", self.metric.name, f"{self.bridge.to} {self.period}", code, inputs)


def _version(versions: Mapping[str, Mapping[str, str]], table: str) -> str:
    return table_version(versions.get(table, {}))


def _wanted(project: Project, ledger: Ledger, now: datetime, numbers: Numbers) -> Iterator[_Due]:
    for metric in project.metrics.values():
        for bridge in metric.bridges:
            other = project.metrics[bridge.to]
            try:
                pair = numbers.pair(project, ledger, metric, other)
            except ModelError as error:  # said again, with the bridge's severity, when it is judged
                pair = Pair(fingerprint(str(error)), ())
            for period in numbers.periods(metric, now):
                yield _Due(metric, other, bridge, period, pair)


def _left(steps: list[Step], session: Session) -> set[str]:
    """Keys of those still to be done: what is published is skipped, what a killed run left staged is taken over."""
    known = session.ports.ledger.steps([step.key for step in steps])
    left = set()
    for step in steps:
        record = known.get(step.key)
        if record is None or record.state == "failed" or record.output is None:
            left.add(step.key)
            continue
        session.skipped += 1
        if record.state != "published":
            session.workspace.stage(step, record.output)
    return left


def _output(found: Bridged) -> StepOutput:
    result = CheckResult(
        f"bridge to {found.to} in {found.period}",
        found.severity,
        passed=found.holds,
        failing=0 if found.holds else max(1, len(found.new)),
        message="" if found.holds else found.message,
    )
    gap = {"gap": f"{found.gap:f}"} if found.gap is not None else {}
    return StepOutput(checks=(result,), note={"model": found.metric, "to": found.to, "period": found.period} | gap)


def _event(found: Bridged) -> BridgeChecked:
    return BridgeChecked(
        subject=found.metric,
        metric=found.metric,
        to=found.to,
        period=found.period,
        holds=found.holds,
        severity=found.severity,
        value=_text(found.value),
        value_to=_text(found.value_to),
        gap=_text(found.gap),
        unit=found.unit,
        causes={cause: f"{amount:f}" for cause, amount in found.causes.items()},
        new=tuple(found.new),
        unexplained=None if found.gap is None else f"{found.unexplained:f}",
        refused=found.refused,
        message=None if found.holds else found.message,
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _signed(number: Decimal) -> str:
    return f"{number:+,f}"
