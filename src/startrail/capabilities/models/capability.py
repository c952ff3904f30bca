"""Models in a run: build what is missing or stale in order, check it before anything reads on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from startrail.capabilities.models.build import build_part, build_view
from startrail.capabilities.models.plan import Versions, beyond_lookback, check_step, steps_of
from startrail.capabilities.models.survey import Survey, survey
from startrail.flow.capability import Phase, Planned
from startrail.flow.events import Checked
from startrail.flow.select import Selection
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.model import Model
from startrail.model.project import Project
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.ports.ledger import Ledger


class Reopen(msgspec.Struct, frozen=True):
    """A backfill: partitions of one model in [first, last], also those beyond its lookback; ``force`` rebuilds done ones."""

    model: str
    first: str
    last: str
    force: bool = False

    def covers(self, step: Step) -> bool:
        return step.subject == self.model and self.first <= step.partition <= self.last

    def forces(self, step: Step) -> bool:
        """True when the step is done again although it is done."""
        return self.force and step.kind == "build" and self.covers(step)


class Models:
    """The capability; one object per run."""

    def __init__(self, reopen: Reopen | None = None) -> None:
        self._reopen = reopen

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "build" or not session.project.models:
            return []
        ledger = session.ports.ledger
        found = survey(session.project, ledger)
        planned = _plan(
            session.project, found, session.workspace.versions, session.ports.engine, session.ports.clock.now(),
            session.selection, ledger, self._reopen, frozenset(session.failed),
        )  # fmt: skip
        session.skipped += planned.done
        session.failed |= planned.stopped
        return _Assembly(session, found, planned, self._reopen).tasks()


def plan_models(
    project: Project, ledger: Ledger, engine: str, now: datetime, selection: Selection, reopen: Reopen | None = None
) -> list[Planned]:
    """What a run would build now, with the reasons; reads only."""
    found = survey(project, ledger)
    return _plan(project, found, ledger.versions(), engine, now, selection, ledger, reopen, frozenset()).steps


class _Judgement(msgspec.Struct, frozen=True):
    """A check step that is to be done. ``whole``: of all rows, since not all were judged by these checks before."""

    step: Step
    whole: bool


class _Plan(msgspec.Struct):
    steps: list[Planned]
    checks: dict[str, _Judgement] = {}
    done: int = 0
    stopped: set[str] = set()
    """Models that cannot be built now: something they read failed, or does not exist yet."""


def _plan(
    project: Project, found: Survey, published: Versions, engine: str, now: datetime, selection: Selection,
    ledger: Ledger, reopen: Reopen | None, failed: frozenset[str],
) -> _Plan:  # fmt: skip
    """Walk the models in order, carrying forward the versions that each will have when it is built."""
    versions = {table: dict(parts) for table, parts in published.items()}
    views = frozenset(name for name, model in project.models.items() if model.kind == "view")
    plan = _Plan([])
    plan.stopped = set(failed)
    judged: list[tuple[str, Step, Step]] = []
    for name in found.order:
        model = project.models[name]
        if name not in selection or any(parent in plan.stopped for parent in found.parents(name)):
            if name in selection:
                plan.stopped.add(name)
            continue
        steps = steps_of(model, found, views, versions, engine, now)
        if steps is None:
            plan.stopped.add(name)
            plan.steps.append(Planned(Step("build", name), "waiting", "what it reads does not exist yet", later=True))
            continue
        current = published.get(name if model.kind != "script" else _first_output(found, name), {})
        stale = [step for step in steps if current.get(step.partition) != step.key or (reopen and reopen.forces(step))]
        plan.done += len(steps) - len(stale)
        later = beyond_lookback(model, [step.partition for step in steps])
        reasons = _reasons(stale, current, ledger, later, reopen)
        plan.steps.extend(reasons)
        for item in reasons:
            if not item.later:
                for table in _outputs(found, model):
                    versions.setdefault(table, {})[item.step.partition] = item.step.key
        if model.checks and model.kind != "script" and versions.get(name):
            before = check_step(model, found, views, published, engine)
            judged.append((name, before, check_step(model, found, views, versions, engine)))
    _plan_checks(plan, judged, ledger)
    return plan


def _plan_checks(plan: _Plan, judged: list[tuple[str, Step, Step]], ledger: Ledger) -> None:
    """Check what will be built anew; and what stands, when the checks or the data behind a view are others than before."""
    known = ledger.steps([step.key for _, before, after in judged for step in (before, after)])
    done = {key for key, record in known.items() if record.state != "failed"}
    building = {item.step.subject for item in plan.steps if not item.later}
    for name, before, after in judged:
        if name in building:
            plan.checks[name] = _Judgement(after, whole=before.key not in done)
        elif after.key not in done:
            plan.checks[name] = _Judgement(after, whole=True)
            plan.steps.append(Planned(after, "changed", "its checks, or the data that they judge, have changed since"))


def _outputs(found: Survey, model: Model) -> tuple[str, ...]:
    return tuple(table for table, maker in found.maker.items() if maker == model.name)


def _first_output(found: Survey, name: str) -> str:
    return next((table for table, maker in found.maker.items() if maker == name), name)


def _reasons(
    stale: list[Step], current: Mapping[str, str], ledger: Ledger, later: frozenset[str], reopen: Reopen | None
) -> list[Planned]:
    before: dict[str, StepRecord] = ledger.steps([current[step.partition] for step in stale if step.partition in current])
    planned = []
    for step in stale:
        record = before.get(current.get(step.partition, ""))
        if record is None:
            planned.append(Planned(step, "missing", "never built"))
        elif record.step.code != step.code:
            planned.append(Planned(step, "changed", "the model was edited since"))
        else:
            wait = step.partition in later and not (reopen and reopen.covers(step))
            words = "late data arrived, beyond the lookback: startrail backfill" if wait else "its inputs have changed since"
            planned.append(Planned(step, "stale", words, later=wait))
    return planned


class _Assembly:
    """Planned steps to tasks with their order; steps that an earlier run staged are taken over instead."""

    def __init__(self, session: Session, found: Survey, plan: _Plan, reopen: Reopen | None) -> None:
        self.reopen = reopen
        self.session = session
        self.found = found
        self.checks = plan.checks
        self.steps: dict[str, list[Step]] = {}
        for item in plan.steps:
            if item.step.kind == "build" and not item.later:
                self.steps.setdefault(item.step.subject, []).append(item.step)
        self.ready: dict[str, frozenset[str]] = {}
        """Model -> keys of the tasks after which it may be read."""

    def tasks(self) -> list[Task]:
        tasks: list[Task] = []
        for name in self.found.order:
            if name in self.steps or name in self.checks:
                tasks.extend(self._of_model(self.session.project.models[name], self.steps.get(name, [])))
        return tasks

    def _of_model(self, model: Model, steps: list[Step]) -> list[Task]:
        after = frozenset[str]().union(*(self.ready.get(parent, frozenset()) for parent in self.found.parents(model.name)))
        left = self._take_over(steps)
        tasks = [self._build_task(model, step, after) for step in left]
        built = frozenset(task.step.key for task in tasks)
        self.ready[model.name] = built or after
        judgement = self.checks.get(model.name)
        if judgement is not None and (left or self._take_over([judgement.step])):  # what is built anew is checked anew
            tasks.append(self._check_task(model, judgement, steps, built or after))
            self.ready[model.name] = frozenset((judgement.step.key,))
        return tasks

    def _take_over(self, steps: list[Step]) -> list[Step]:
        """Stage what an earlier run has done and not published; returns what is left to do."""
        work, store = self.session.workspace, self.session.ports.store
        records = self.session.ports.ledger.steps([step.key for step in steps])
        left = []
        for step in steps:
            record = records.get(step.key)
            again = self.reopen is not None and self.reopen.forces(step)
            output = record.output if record is not None and record.state != "failed" and not again else None
            if output is None or not work.can_take(output, store):
                left.append(step)
            else:
                work.stage(step, output)
                self.session.skipped += 1
        return left

    def _build_task(self, model: Model, step: Step, after: frozenset[str]) -> Task:
        analysis, session = self.found.analyses[model.name], self.session

        def work() -> StepOutput:
            if model.kind == "view":
                output = build_view(model, analysis, session)
            elif model.kind == "script":
                from startrail.capabilities.models.script import build_script

                output = build_script(model, analysis, step, session)
            else:
                output = build_part(model, analysis, step, session)
            session.workspace.stage(step, output)
            return output

        return Task(step, work, model.name, after)

    def _check_task(self, model: Model, judgement: _Judgement, built: list[Step], after: frozenset[str]) -> Task:
        whole = judgement.whole or model.kind == "view"
        parts = None if whole else frozenset(step.partition for step in built)

        def work() -> StepOutput:
            output = self._check(judgement.step, model, parts)
            self.session.workspace.stage(judgement.step, output)
            return output

        return Task(judgement.step, work, model.name, after)

    def _check(self, step: Step, model: Model, parts: frozenset[str] | None) -> StepOutput:
        from startrail.capabilities.models.checks import run_checks

        session, work = self.session, self.session.workspace
        targets = {check.to for check in model.checks if check.to}
        relations = work.relations(model.name, *targets)
        results = run_checks(model, relations, parts, warehouse=session.ports.warehouse(), now=session.ports.clock.now())
        for result in results:
            if not result.passed:
                session.emit_with(step, Checked(subject=model.name, result=result))
        return StepOutput(checks=results, rows=sum(r.failing for r in results), note={"model": model.name})
