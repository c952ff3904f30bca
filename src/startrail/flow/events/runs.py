"""What a run, its steps and its publication tell."""

from __future__ import annotations

from startrail.flow.events.event import Event
from startrail.model.delivery import Counts
from startrail.model.step import CheckResult


class RunStarted(Event, frozen=True, tag="run_started"):
    """A runner has the lease and begins."""

    fact = "run.started"
    run: str
    profile: str
    at: str


class RunAbandoned(Event, frozen=True, tag="run_abandoned"):
    """An earlier run's process died; this run goes on from what it left."""

    fact = "run.abandoned"
    run: str


class Waiting(Event, frozen=True, tag="waiting"):
    """Another runner holds the lease."""

    fact = "run.waited"
    holder: str
    seconds: float


class StepStarted(Event, frozen=True, tag="step_started"):
    """A step begins."""

    kind: str
    partition: str


class StepFinished(Event, frozen=True, tag="step_finished"):
    """A step is done and recorded."""

    fact = "step.finished"
    kind: str
    partition: str
    rows: int | None = 0
    """None: the step made no rows but a definition, as a view's does."""
    seconds: float = 0.0


class StepRetried(Event, frozen=True, tag="step_retried"):
    """A step failed for a reason that may pass, and is tried again."""

    fact = "step.retried"
    kind: str
    partition: str
    attempt: int
    error: str


class StepFailed(Event, frozen=True, tag="step_failed"):
    """A step failed; what depends on it is blocked."""

    fact = "step.failed"
    kind: str
    partition: str
    error: str


class StepBlocked(Event, frozen=True, tag="step_blocked"):
    """Not tried, because what it depends on failed."""

    kind: str
    partition: str


class Checked(Event, frozen=True, tag="checked"):
    """A check that did not pass. Passed ones are counted in the step."""

    fact = "check.failed"
    result: CheckResult


class Published(Event, frozen=True, tag="published"):
    """Everything that the run staged became visible in one transaction."""

    fact = "publication.published"
    publication: str
    tables: tuple[str, ...]
    steps: int
    views: dict[str, str] = {}
    """The key of the step whose text each view has from now on."""


class PublicationHeld(Event, frozen=True, tag="publication_held"):
    """A check of severity error failed; nothing of the group became visible."""

    fact = "publication.held"
    publication: str
    tables: tuple[str, ...]
    because: str


class HoldEnded(Event, frozen=True, tag="hold_ended"):
    """What an earlier run held back is no longer wanted; ``table@failed`` is gone."""

    fact = "hold.ended"
    tables: tuple[str, ...]


class WatchFailed(Event, frozen=True, tag="watch_failed"):
    """What looks at a finished run could not. The run counts all the same; the next one looks again."""

    fact = "watch.failed"
    error: str


class LineageWaiting(Event, frozen=True, tag="lineage_waiting"):
    """OpenLineage events could not be handed over; they wait in a file for the next run. Shown, never recorded."""

    receiver: str
    waiting: int
    reason: str
    lost: int = 0
    """Events that were given up: refused by the receiver, or the oldest of more than may wait."""


class RunEnded(Event, frozen=True, tag="run_ended"):
    """The run is over."""

    fact = "run.ended"
    run: str
    state: str
    steps: int
    skipped: int
    counts: Counts = Counts()
    everything: bool = True
    """False when only a selection was asked for."""
