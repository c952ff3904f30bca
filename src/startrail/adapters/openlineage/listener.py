"""Listens to a run, and writes down what an OpenLineage receiver should know of it. Never breaks the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock

import msgspec

from startrail.adapters.openlineage.journal import Journal
from startrail.adapters.openlineage.messages import TOLD, Ends, RunEvent, Teller
from startrail.adapters.openlineage.names import Names
from startrail.adapters.openlineage.sender import Sender
from startrail.flow import events as e
from startrail.model.step import Step, StepRecord, StepState
from startrail.ports.clock import Clock
from startrail.ports.ledger import Ledger

MOST_WAITING = 64_000_000
"""Bytes of events that may wait; beyond it the oldest runs are given up."""
DIED = "the process of this run died"
_RECENT = 50
_RUNS: dict[str, Ends] = {"done": "COMPLETE", "failed": "FAIL", "held": "FAIL"}
_STEPS: dict[StepState, Ends] = {"staged": "COMPLETE", "published": "COMPLETE", "held": "FAIL", "failed": "FAIL"}


class Listener:
    """An ``Emit`` in front of another one. One object per run; :meth:`close` it when the run has ended in whatever way."""

    def __init__(
        self, show: e.Emit, teller: Teller, names: Names, ledger: Ledger, clock: Clock, journal: Journal,
        sender: Callable[[str], Sender], receiver: str,
    ) -> None:  # fmt: skip
        self._show, self._tell, self._names = show, teller, names
        self._ledger, self._clock, self._journal = ledger, clock, journal
        self._open_sender, self._receiver = sender, receiver
        self._run: str | None = None
        self._sender: Sender | None = None
        self._lock = Lock()
        self._known: set[str] = set()
        """Earlier runs of which there was a journal."""
        self._errors: list[str] = []
        self._held = ""
        self._lost = 0
        self._trouble: str | None = None

    def __call__(self, event: e.Event) -> None:
        try:
            self._hear(event)
        except Exception as error:  # whatever is wrong with telling of a run, the run is worth more
            with self._lock:
                self._trouble = self._trouble or f"{type(error).__name__}: {error}"
        if isinstance(event, e.RunEnded):
            self._end()
        self._show(event)

    def close(self, error: BaseException | None = None) -> None:
        """A run that ended by an exception says so too."""
        if self._run is None:
            return
        text = str(error) or type(error).__name__
        try:
            self._finish_open(self._run, self._clock.now(), "; ".join([*self._errors, text]))
        except Exception:  # the run's own error is what matters, and the next run tells of what stays open
            return
        finally:
            self._run = None
            if self._sender is not None:
                self._sender.finish()

    # -- hearing ---------------------------------------------------------------------------------------
    def _hear(self, event: e.Event) -> None:
        match event:
            case e.RunStarted():
                self._begin(event)
            case e.RunAbandoned():
                self._abandoned(event.run)
            case e.StepStarted() if event.kind in TOLD and self._run:
                self._write(self._tell.step_begins(self._run, event.kind, event.subject, event.partition, self._clock.now()))
            case e.StepFinished() if event.kind in TOLD and self._run:
                record = self._record(self._run, event)
                self._write(self._end_of(self._run, record))
            case e.StepFailed():
                self._failed(event)
            case e.PublicationHeld():
                self._held = event.because
            case e.RunEnded() if self._run:
                message = "; ".join([*self._errors, *([self._held] if self._held else [])])
                self._write(self._tell.run_ends(_RUNS.get(event.state, "FAIL"), self._run, self._clock.now(), message))
            case _:
                pass

    def _begin(self, event: e.RunStarted) -> None:
        self._run = event.run
        for run in self._journal.runs():
            self._journal.mend(run)
            self._finish_open(run, self._clock.now())
            self._known.add(run)
        self._lost += self._journal.trim(MOST_WAITING)
        self._write(self._tell.run_begins(event.run, event.at))
        self._sender = self._open_sender(event.run)
        self._sender.wake()

    def _abandoned(self, dead: str) -> None:
        """A run of which this machine has no journal: only its end is told."""
        if dead not in self._known:
            self._write(self._tell.run_ends("ABORT", dead, self._clock.now(), DIED))

    def _failed(self, event: e.StepFailed) -> None:
        self._errors.append(event.error)
        if event.kind in TOLD and self._run:
            step = Step(event.kind, event.subject, event.partition)  # type: ignore[arg-type]  (an event says the kind as text)
            self._write(self._tell.step_ends("FAIL", self._run, step, self._clock.now(), message=event.error))

    def _record(self, run: str, event: e.StepFinished) -> StepRecord:
        for limit in (_RECENT, None):
            for record in self._ledger.history(kind=event.kind, subject=event.subject, run=run, limit=limit):
                if record.step.partition == event.partition:
                    return record
        raise LookupError(f"the ledger has no {event.kind} {event.subject} {event.partition}")

    def _end_of(self, run: str, record: StepRecord) -> RunEvent:
        at = record.ended_at or self._clock.now()
        return self._tell.step_ends(_STEPS[record.state], run, record.step, at, record.output, record.error or "")

    # -- ends that nobody has told ---------------------------------------------------------------------
    def _finish_open(self, run: str, at: datetime, message: str | None = None) -> None:
        """End everything of a run that was begun: as the ledger has it, else with this message, else as aborted."""
        begun: dict[str, RunEvent] = {}
        for _, line in self._journal.events(run):
            event = msgspec.json.decode(line, type=RunEvent)
            if event.event_type == "START":
                begun[event.run.run_id] = event
            else:
                begun.pop(event.run.run_id, None)
        if not begun:
            return
        records = {self._step_id(run, record.step): record for record in self._ledger.history(run=run)}
        states = {each.id: each.state for each in self._ledger.runs(_RECENT)}
        for identity, start in reversed(begun.items()):  # the run itself began first
            if identity in records:
                self._write(self._end_of(run, records[identity]), run)
            elif message is not None:
                self._write(self._tell.cut_short(start, "FAIL", at, message), run)
            elif identity == str(self._names.run_id(run)) and states.get(run) in _RUNS:
                self._write(self._tell.cut_short(start, _RUNS[states[run]], at, ""), run)
            else:
                self._write(self._tell.cut_short(start, "ABORT", at, DIED), run)

    def _step_id(self, run: str, step: Step) -> str:
        return str(self._names.step_id(run, step.kind, step.subject, step.partition))

    # -- passing on ------------------------------------------------------------------------------------
    def _write(self, event: RunEvent, run: str | None = None) -> None:
        self._journal.add(run or self._run or "", msgspec.json.encode(event))
        if self._sender is not None:
            self._sender.wake()

    def _end(self) -> None:
        """Let the sender finish, and say what waits."""
        if self._run is None:
            return
        self._run = None
        waiting, lost, reason = 0, self._lost, self._trouble
        if self._sender is not None:
            self._sender.finish()
            lost, reason = lost + self._sender.refused, reason or self._sender.trouble
        try:
            waiting = self._journal.waiting()
        except OSError as error:
            reason = reason or str(error)
        if reason is not None or waiting or lost:
            self._show(e.LineageWaiting(receiver=self._receiver, waiting=waiting, lost=lost, reason=reason or "too many waited"))
