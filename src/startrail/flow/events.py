"""What happens in a run, as typed values: they feed the terminal, ``--json`` and the ledger alike.

An event with a ``fact`` name is recorded in the ledger under it; the others are only shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

from startrail.model.delivery import Counts
from startrail.model.drift import Finding
from startrail.model.listing import Renamed, Replaced
from startrail.model.metric import MetricInput
from startrail.model.proof import Proof
from startrail.model.step import CheckResult
from startrail.model.version import RECORDED

SCHEMA_VERSION = 1
"""Version of these shapes; the first line of every ``--json`` output names it."""


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all events. ``subject`` names what it is about."""

    fact: ClassVar[str | None] = None
    subject: str = ""


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


class Landed(Event, frozen=True, tag="landed"):
    """Bytes became a delivery."""

    fact = "delivery.landed"
    source: str
    delivery: str
    name: str
    size: int
    sha256: str
    fields: dict[str, str] = {}
    """What the name says, by the pattern of its source."""
    unread: str | None = None
    """Why the name does not say it."""
    parent: str | None = None
    """The archive that it came in: its delivery."""


class Unpacked(Event, frozen=True, tag="unpacked"):
    """The files in an archive became deliveries, all of them."""

    fact = "archive.unpacked"
    source: str
    delivery: str
    name: str
    files: int
    """Those that are new; the same bytes may have come before."""
    known: int
    others: tuple[str, ...] = ()
    """Links and the like, which are not followed: the first ten by name."""


class ArchiveRefused(Event, frozen=True, tag="archive_refused"):
    """An archive was not unpacked; nothing of it became a delivery. ``subject`` is its delivery."""

    fact = "archive.refused"
    source: str
    name: str
    code: str
    reason: str
    declared: str
    """The bounds under which."""


class Copied(Event, frozen=True, tag="copied"):
    """A file was copied to ``target`` under its own name, without being loaded."""

    fact = "source.copied"
    source: str
    name: str
    size: int
    sha256: str
    stamp: str
    target: str


class MessageSetAside(Event, frozen=True, tag="message_set_aside"):
    """A message in a source's queue brought no file: not understood, of another place, or about an object that is gone."""

    fact = "source.message_set_aside"
    source: str
    message: str
    """The queue's id of it."""
    reason: str
    text: str
    """Its beginning."""
    left: bool = False
    """True when it stays in the queue, which moves it to its own dead letters; else it was taken out."""


class Swept(Event, frozen=True, tag="swept"):
    """A bucket whose queue tells of new objects was listed all the same, and everything new is recorded."""

    fact = "source.swept"
    source: str


class Growing(Event, frozen=True, tag="growing"):
    """A file was left for the next time because it is still being written."""

    source: str
    name: str


class Loaded(Event, frozen=True, tag="loaded"):
    """A delivery's rows have their dispositions."""

    fact = "delivery.loaded"
    source: str
    delivery: str
    name: str
    counts: Counts
    kept: dict[str, int] = {}
    """Unknown fields kept in ``_extra`` and in how many rows."""


class DriftFound(Event, frozen=True, tag="drift_found"):
    """A delivery departs from its contract in one way at one path."""

    fact = "drift.found"
    source: str
    delivery: str
    name: str
    finding: Finding
    first: bool = False
    """True when earlier deliveries of the source, the newest two hundred, did not show it."""


class ContractRecorded(Event, frozen=True, tag="contract_recorded"):
    """A contract is about to be loaded under for the first time; the ledger keeps its document from now on."""

    fact = RECORDED
    name: str
    version: str
    fingerprint: str
    sha256: str
    """Of the document."""
    path: str


class VersionReused(Event, frozen=True, tag="version_reused"):
    """A contract means something else than before under the same version number."""

    fact = "contract.version_reused"
    name: str
    version: str
    fingerprint: str
    before: str
    """The fingerprint that the number stood for."""


class TableEvolved(Event, frozen=True, tag="table_evolved"):
    """A raw table got columns that its contract does not declare, or wider ones, since its source accepts them."""

    fact = "table.evolved"
    source: str
    table: str
    delivery: str
    name: str
    columns: dict[str, str]
    """Name and type of each column that is new or wider."""


class Adopted(Event, frozen=True, tag="adopted"):
    """A delivery was loaded again since its contract came to declare fields that it had kept in ``_extra``."""

    fact = "delivery.adopted"
    source: str
    delivery: str
    name: str
    fields: tuple[str, ...]
    """As the delivery has them: ``coupon``, ``items[].size``."""
    before: Counts
    counts: Counts
    changed: tuple[str, ...] | None = None
    """Partitions whose rows are others now."""


class NotAdopted(Event, frozen=True, tag="not_adopted"):
    """A delivery stays as it is, though its contract declares fields now that it had kept: rows of it would be withdrawn."""

    fact = "delivery.not_adopted"
    source: str
    delivery: str
    name: str
    fields: tuple[str, ...]
    reason: str


class Withdrawn(Event, frozen=True, tag="withdrawn"):
    """The rows of a delivery were taken out of their table, since its file came again with other bytes (``on_replace``)."""

    fact = "delivery.withdrawn"
    source: str
    delivery: str
    name: str
    by: str
    """The delivery that takes its place."""
    before: Counts
    counts: Counts


class DriftAcknowledged(Event, frozen=True, tag="drift_acknowledged"):
    """A person knows of one drift, and lets it be until a day."""

    fact = "drift.acknowledged"
    source: str
    kind: str
    path: str
    until: str
    """The last day on which it holds, in UTC."""
    by: str
    note: str = ""
    proof: Proof | None = None


class Replayed(Event, frozen=True, tag="replayed"):
    """A delivery was loaded again, under its contract and the repairs as they are now; its rows have new dispositions."""

    fact = "delivery.replayed"
    source: str
    delivery: str
    name: str
    before: Counts
    counts: Counts
    repaired: int = 0
    """Rows that a repair made keep the contract."""
    repairs: str | None = None
    """SHA-256 of the file of repairs."""
    changed: tuple[str, ...] | None = None
    """Partitions whose rows are others now; None: all that the delivery has rows in."""
    under: str | None = None
    """The older version of its contract that was asked for; None: the contract as it was then."""


class Discarded(Event, frozen=True, tag="discarded"):
    """A person decided that quarantined rows will never be loaded. Their bytes stay."""

    fact = "quarantine.discarded"
    source: str
    delivery: str
    rows: int
    quarantine: str | None
    """Store key of the file that holds the rows; None: the delivery was held as a whole, and is discarded as a whole."""
    ordinals: tuple[int, ...] | None
    """Numbers of the records in the delivery; None: all of that file, or of the delivery."""
    reason: str
    by: str


class DeliveryHeld(Event, frozen=True, tag="delivery_held"):
    """A whole delivery was set aside; the last good data stays served."""

    fact = "delivery.held"
    source: str
    delivery: str
    name: str
    reason: str


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


class BridgeChecked(Event, frozen=True, tag="bridge_checked"):
    """The gap between two metrics over a period was held against the causes that it may have."""

    fact = "bridge.checked"
    metric: str
    to: str
    period: str
    holds: bool
    severity: str
    value: str | None = None
    """Of ``metric``, as text, so that no digit is lost; this and the next two are None without a number on either side."""
    value_to: str | None = None
    gap: str | None = None
    unit: str | None = None
    causes: dict[str, str] = {}
    """What each cause carries; with ``unexplained`` they sum to the gap."""
    new: tuple[str, ...] = ()
    """Those of them that the bridge does not name."""
    unexplained: str | None = None
    refused: str | None = None
    """Why nothing could be attributed; then the bridge does not hold."""
    message: str | None = None
    """What is wrong with one that does not hold, in words."""


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


class Delivered(Event, frozen=True, tag="delivered"):
    """A report is where it must be. ``minutes_early`` is negative when it was late, None without a deadline."""

    fact = "report.delivered"
    report: str
    path: str
    rows: int
    minutes_early: int | None = None
    deadline: str | None = None


class Sent(Event, frozen=True, tag="sent"):
    """A report with several destinations is at one of them."""

    fact = "report.sent"
    report: str
    place: str
    path: str
    rows: int


class ReportAtRisk(Event, frozen=True, tag="report_at_risk"):
    """A report may miss its deadline. Told once per report and day, and once more when by then only a person can help.

    Times are forecasts from how long its steps usually take; None is not known.
    """

    fact = "report.at_risk"
    report: str
    due: str
    lower: str | None = None
    """Not before."""
    expected: str | None = None
    upper: str | None = None
    """Most likely not after."""
    waits: tuple[str, ...] = ()
    """What it waits for."""
    unknown: tuple[str, ...] = ()
    """What is on its way and was never seen to take any time."""
    person: bool = False
    """Nothing but a person can help."""


class ReportLate(Event, frozen=True, tag="report_late"):
    """A deadline has passed, and the report is not there. Told once per report and day, like a report at risk."""

    fact = "report.late"
    report: str
    due: str
    lower: str | None = None
    expected: str | None = None
    upper: str | None = None
    waits: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    person: bool = False


class SourcePaused(Event, frozen=True, tag="source_paused"):
    """A person paused a source: until then no run asks it for anything. Its deliveries that have landed are loaded."""

    fact = "source.paused"
    until: str
    reason: str
    by: str


class SourceResumed(Event, frozen=True, tag="source_resumed"):
    """A person took a pause back."""

    fact = "source.resumed"
    by: str
    reason: str = ""


class SourceExpectedMissing(Event, frozen=True, tag="source_expected_missing"):
    """A file that was expected by a time, and its grace, has not landed. Told once per expectation and instant."""

    fact = "source.expected_missing"
    what: str
    """The expectation: file, time and zone, as declared."""
    file: str
    """The name as of this instant."""
    due: str
    found: int
    """How many have landed, of those that were ``wanted``."""
    wanted: int
    asked: str | None = None
    """When the source was last listed to its end."""


class SourceExpectedArrived(Event, frozen=True, tag="source_expected_arrived"):
    """A file that was expected by a time has landed. Told once per expectation and instant."""

    fact = "source.expected_arrived"
    what: str
    file: str
    due: str
    found: int
    at: str
    """When there were enough of them."""
    minutes_late: int | None = None
    """Whole minutes after ``due``; None when it came before its grace was over."""


class SourceExpectedDropped(Event, frozen=True, tag="source_expected_dropped"):
    """A file that was missing is no longer expected, since the source no longer declares that it is."""

    fact = "source.expected_dropped"
    what: str
    file: str
    due: str


class SourceRenamed(Event, frozen=True, tag="source_renamed"):
    """Files of a source have other names than before, and the same bytes. ``files``: the first twenty of ``count``."""

    fact = "source.renamed"
    count: int
    files: tuple[Renamed, ...]


class SourceReplaced(Event, frozen=True, tag="source_replaced"):
    """Files of a source have the same names as before, and other bytes: new versions of them have landed. ``files``: the
    first twenty of ``count``, each with its deliveries."""

    fact = "source.replaced"
    count: int
    files: tuple[Replaced, ...]


class SourceDeleted(Event, frozen=True, tag="source_deleted"):
    """Files that have landed are no longer at their source. Nothing of them is taken away here. ``names``: the first twenty
    of ``count``."""

    fact = "source.deleted"
    count: int
    names: tuple[str, ...]


class MitigationRefused(Event, frozen=True, tag="mitigation_refused"):
    """A person asked for a mitigation that the book has no more of, or that the project does not allow."""

    fact = "mitigation.refused"
    mitigation: str
    reason: str
    by: str


class SourceSkipped(Event, frozen=True, tag="source_skipped"):
    """A run did not ask a source, because it is paused."""

    fact = "source.skipped"
    until: str
    reason: str


class WatchFailed(Event, frozen=True, tag="watch_failed"):
    """What looks at a finished run could not. The run counts all the same; the next one looks again."""

    fact = "watch.failed"
    error: str


class MetricValued(Event, frozen=True, tag="metric_valued"):
    """A metric has this value over this period, by this definition, from these versions of its tables."""

    fact = "metric.valued"
    metric: str
    period: str | None
    timezone: str | None
    definition: str
    value: str | None
    """The number as text, so that no digit is lost; None when there is none, as an average of no rows."""
    unit: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    rows: int | None = None
    nulls: int = 0
    skipped: int = 0
    exact: bool = True
    inputs: tuple[MetricInput, ...] = ()


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


class IncidentChanged(Event, frozen=True, tag="incident_changed"):
    """An incident was opened, mitigated, resolved …: shown as it stands then. Its own facts are named ``incident.*``."""

    incident: str
    change: str
    state: str
    severity: str
    title: str
    reason: str = ""


class StoryKept(Event, frozen=True, tag="story_kept"):
    """A person's own story is kept, in their words. Kept again under the same title, the newer words count."""

    fact = "story.kept"
    by: str
    title: str
    situation: str = ""
    task: str = ""
    action: str = ""
    result: str = ""
    principles: tuple[str, ...] = ()
    about: str = ""


class LineageWaiting(Event, frozen=True, tag="lineage_waiting"):
    """OpenLineage events could not be handed over; they wait in a file for the next run. Shown, never recorded."""

    receiver: str
    waiting: int
    reason: str
    lost: int = 0
    """Events that were given up: refused by the receiver, or the oldest of more than may wait."""


class ScheduleWatched(Event, frozen=True, tag="schedule_watched"):
    """A schedule is seen for the first time, or with another expression or zone: its ticks count from here on."""

    fact = "schedule.watched"
    cron: str
    timezone: str
    since: str
    before: str | None = None
    """The expression and zone it had."""


class ScheduleDropped(Event, frozen=True, tag="schedule_dropped"):
    """A schedule is no longer declared: nothing of it is due from here on, and nothing was missed when it comes back."""

    fact = "schedule.dropped"
    cron: str
    timezone: str


class TickClaimed(Event, frozen=True, tag="tick_claimed"):
    """A run has a tick of a schedule; nobody else will run it."""

    fact = "tick.claimed"
    run: str
    at: str
    """The instant at which it was due."""
    takes_over: str | None = None
    """The run that had the tick before and died."""


class TickEnded(Event, frozen=True, tag="tick_ended"):
    """The run of a tick is over. ``late``: seconds after its deadline; None = in time, or without one."""

    fact = "tick.ended"
    run: str
    at: str
    state: str
    late: float | None = None


class TickMissed(Event, frozen=True, tag="tick_missed"):
    """Ticks will not run although they were due: nobody was there in time, or the runner died too often."""

    fact = "tick.missed"
    first: str
    last: str
    count: int
    reason: str


class TickSkipped(Event, frozen=True, tag="tick_skipped"):
    """Ticks were left out, as their schedule wants it, because the run before was still going."""

    fact = "tick.skipped"
    first: str
    last: str
    count: int
    reason: str


class AlertSent(Event, frozen=True, tag="alert_sent"):
    """An endpoint took an alert. ``subject`` is the incident, or whatever it was about."""

    fact = "alert.sent"
    endpoint: str
    delivery: str
    """Every try carried this id."""
    key: str
    action: str
    severity: str
    attempts: int
    waited: float
    """Seconds since it was first due."""


class AlertFailed(Event, frozen=True, tag="alert_failed"):
    """An alert was refused for good, or given up after days of trying. ``startrail alerts send --again`` tries it again."""

    fact = "alert.failed"
    endpoint: str
    delivery: str
    key: str
    action: str
    severity: str
    attempts: int
    state: str
    reason: str


class AlertsRevived(Event, frozen=True, tag="alerts_revived"):
    """A person let alerts wait again that were given up."""

    fact = "alert.revived"
    alerts: int


class AlertsDropped(Event, frozen=True, tag="alerts_dropped"):
    """A person decided that alerts which were given up are wanted no more."""

    fact = "alert.dropped"
    alerts: int
    by: str
    reason: str


class AlertsWaiting(Event, frozen=True, tag="alerts_waiting"):
    """An endpoint does not take alerts now; they wait in the ledger. Shown, never recorded."""

    reason: str


class Progress(Event, frozen=True, tag="progress"):
    """Bytes, rows or steps done out of a total (0 = not known). Shown, never recorded."""

    done: int
    total: int
    unit: str


Emit = Callable[[Event], None]
