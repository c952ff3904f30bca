"""Loading one delivery under its contract: typed rows, quarantined rows, or the whole delivery held.

A held delivery counts its rows as held. When they cannot be counted (a gzip stream that is cut off, a document
that does not parse) the rows read so far count, and at least one, so that a held delivery is never nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction

import msgspec

from startrail.base.text import printable
from startrail.base.units import parse_share
from startrail.capabilities.contracts.drift.columns import raw_schema
from startrail.capabilities.contracts.drift.evolve import Evolution, brought, settled
from startrail.capabilities.contracts.errors import DriftStopped, NotConserved
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.named import fielded, told_elsewhere
from startrail.capabilities.contracts.policy import ROWS, Acknowledged, Verdict, kinds_with, reaction, verdict, waved
from startrail.capabilities.contracts.quick import QuickJudge
from startrail.capabilities.contracts.replaced.hold import WITHHELD
from startrail.capabilities.contracts.suspect import Past, landed_on, stream, suspicions
from startrail.flow.events import Event, Progress
from startrail.model.contract import Contract
from startrail.model.delivery import Counts, Delivery
from startrail.model.source import Source
from startrail.model.step import StepOutput
from startrail.model.table import DataFile, TableChange, TableName, TableSchema
from startrail.ports.loader import Drift, Loader, LoadOutcome, LoadTask, Redo
from startrail.ports.store import Store

__all__ = ["load", "raw_schema", "set_aside", "task_of", "weighed"]

_MOST_FINDINGS = 50


def load(
    delivery: Delivery,
    source: Source,
    contract: Contract,
    *,
    loader: Loader,
    store: Store,
    schema: TableSchema,
    folder: str,
    name: str,
    emit: Callable[[Event], None],
    redo: Redo | None = None,
    history: tuple[Past, ...] = (),
    evolution: Evolution | None = None,
    acknowledged: Acknowledged = frozenset(),
    withhold: str | None = None,
) -> StepOutput:
    """Stage the delivery's rows as files of its table, and its refused rows as a file of the quarantine.

    ``schema`` is :func:`raw_schema` with field ids; ``folder`` the store prefix of the table's data; ``name`` the
    unique stem of the files; ``redo`` what is different the second time; ``history`` what earlier deliveries of the
    source were like; ``evolution`` what the table has beyond the contract, and how it may grow; then contract and schema
    are those of its promise. ``acknowledged``: what a person lets in. ``withhold``: why it is held even when it
    keeps its contract. Raises DriftStopped (ST330), NotConserved (ST320)
    and what stores and loaders raise.
    """
    assert source.into is not None, "a source without a table has no load step"
    place = _Place(delivery, source, store, folder, name)
    taken: frozenset[str] = frozenset() if evolution is None else evolution.promise.taken

    def progress(done: int, total: int) -> None:
        emit(Progress(subject=delivery.name, done=done, total=total, unit="bytes"))

    name_says = fielded(contract, source, delivery)
    if name_says.held is not None:
        return set_aside(name_says.held)
    task, judge = task_of(delivery, source, contract, schema, redo, taken=taken, acknowledged=acknowledged)
    with loader.load(task, judge, progress) as outcome:
        outcome = told_elsewhere(settled(outcome, taken), task.named)
        found = weighed(outcome, delivery, source, contract, history, acknowledged)
        if withhold is not None and found.action == "load":
            return _withheld(outcome, found, delivery, withhold)
        if found.action == "stop":
            raise _stopped(found, delivery, source)
        if found.action == "hold":
            return _held(outcome, found)
        grown = None if evolution is None else evolution.grown(outcome, loader, delivery.media)
        if evolution is None or grown is None:
            return _staged(outcome, found, schema, place)
    wider = evolution.assign(grown.columns)
    task, judge = task_of(delivery, source, grown.contract, wider, redo, taken=grown.taken, acknowledged=acknowledged)
    with loader.load(task, judge, progress) as outcome:
        output = _staged(told_elsewhere(outcome, task.named), found, wider, place)
        return msgspec.structs.replace(output, columns=brought(evolution.promise, grown))


class _Place(msgspec.Struct, frozen=True):
    """Whose rows they are, and where they go."""

    delivery: Delivery
    source: Source
    store: Store
    folder: str
    name: str


def _staged(outcome: LoadOutcome, found: Verdict, schema: TableSchema, place: _Place) -> StepOutput:
    delivery, source, store = place.delivery, place.source, place.store
    refused = 0 if outcome.rejected is None else outcome.rejected.rows
    loaded = sum(file.rows for file in outcome.files)
    counts = Counts(rows_in=outcome.rows_in, loaded=loaded, quarantined=refused, discarded=outcome.discarded)
    if not counts.conserved():
        raise NotConserved(
            f"delivery {delivery.id} has {counts.rows_in} rows, but {loaded} were loaded, {refused} quarantined "
            f"and {counts.discarded} discarded",
            affects=f"{source.into}: nothing of this delivery is visible",
            hint="report this defect; the landed bytes are untouched",
        )
    files = _adopted(outcome, store, f"{place.folder}/{delivery.id}/{place.name}", delivery.id)
    quarantine = None
    if outcome.rejected is not None:
        quarantine = f"quarantine/{source.name}/{delivery.id}/{place.name}.parquet"
        store.adopt(outcome.rejected.path, quarantine)
    return StepOutput(
        changes=(TableChange(TableName.parse(str(source.into)), schema, files, replaces=(delivery.id,)),),
        rows=loaded,
        counts=counts,
        touched=outcome.touched,
        kept=outcome.kept,
        quarantine=quarantine,
        drift=found.findings[:_MOST_FINDINGS],
        medians=outcome.medians,
        dates=landed_on(outcome.dates, delivery.landed_at),
        note=_note(outcome) | {"stream": stream(delivery.name)},
    )


def task_of(
    delivery: Delivery,
    source: Source,
    contract: Contract,
    schema: TableSchema,
    redo: Redo | None = None,
    *,
    taken: frozenset[str] = frozenset(),
    acknowledged: Acknowledged = frozenset(),
) -> tuple[LoadTask, RecordJudge]:
    """What a loader is given for this delivery."""
    name_says = fielded(contract, source, delivery)
    contract = name_says.contract
    refusing = reaction(source.drift, "new_field").do == "quarantine"
    task = LoadTask(
        delivery=delivery.id,
        key=delivery.key,
        media=delivery.media,
        contract=contract,
        schema=schema,
        dialect=source.csv,
        records=source.feed.records,
        partition=(source.partition_by, source.grain) if source.partition_by else None,
        closed=refusing or contract.closed,
        redo=redo,
        named=name_says.fields,
    )
    csv = delivery.media.startswith("csv")
    judge = QuickJudge(
        contract,
        null_words=source.csv.null_words if csv else (),
        textual=csv,
        accepted=kinds_with(source.drift, "accept"),
        kept=kinds_with(source.drift, "keep"),
        closed=refusing,
        taken=taken,
        waved=waved(acknowledged),
    )
    return task, judge


def weighed(
    outcome: LoadOutcome,
    delivery: Delivery,
    source: Source,
    contract: Contract,
    history: tuple[Past, ...],
    acknowledged: Acknowledged = frozenset(),
) -> Verdict:
    """What becomes of the delivery as a whole: its departures and what is suspect about it, under the source's policy."""
    csv = delivery.media.startswith("csv")
    seen = outcome.drift + suspicions(outcome, contract, source, delivery, csv, history)
    found = verdict(seen, outcome.rows_in, source.drift, acknowledged)
    if found.action == "stop":
        return found
    refused = 0 if outcome.rejected is None else outcome.rejected.rows
    reason = outcome.unreadable or _too_many(outcome, refused, source) or found.reason
    if reason is None:
        return found
    return Verdict("hold", found.findings, _with_proposal(reason, seen))


def _stopped(found: Verdict, delivery: Delivery, source: Source) -> DriftStopped:
    stopping = [finding for finding in found.findings if finding.verb == "stop"]
    return DriftStopped(
        f"delivery {printable(delivery.name, 80)} of {source.name} departs from its contract: {found.reason}",
        at=source.span,
        affects=f"{source.into}: nothing of this delivery is loaded",
        hint=f"startrail drift list shows it; or say in the source: drift: {{{stopping[0].kind}: hold}}",
        findings=found.findings[:_MOST_FINDINGS],
    )


def _with_proposal(reason: str, seen: tuple[Drift, ...]) -> str:
    """The reason, and the alias that would mend it where a field seems renamed."""
    renamed = [drift for drift in seen if drift.kind == "renamed"]
    if not renamed:
        return reason
    told = ", ".join(f"{drift.path.removeprefix('$.')} may now be called {drift.sample}" for drift in renamed[:3])
    return f"{reason}; {told}: if so, declare it as an alias in the contract"


def _too_many(outcome: LoadOutcome, refused: int, source: Source) -> str | None:
    """Why the rows that can be loaded should wait for the rest."""
    if refused == 0:
        return None
    if refused == outcome.rows_in > 1:
        return f"every row breaks the contract: {_worst(outcome.drift)}"
    limit = source.quarantine.hold_above
    if limit is None or Fraction(refused, outcome.rows_in) <= parse_share(limit):
        return None
    return f"{refused} of {outcome.rows_in} rows break the contract, more than {limit}: {_worst(outcome.drift)}"


def _worst(drift: tuple[Drift, ...]) -> str:
    breaking = [one for one in drift if one.kind in (*ROWS, "missing_required")]
    found = (breaking or [one for one in drift if one.kind == "new_field"])[:3]
    return "; ".join(f"{one.kind} at {one.path} in {one.rows} rows{_such_as(one)}" for one in found)


def _such_as(drift: Drift) -> str:
    return f", such as {drift.sample}" if drift.sample else ""


def set_aside(reason: str) -> StepOutput:
    """The delivery is held before anything of it is read."""
    return _held(LoadOutcome(0, drift=(Drift("unreadable", "$", 0, reason),)), Verdict("hold", (), reason))


def _held(outcome: LoadOutcome, found: Verdict) -> StepOutput:
    rows = max(outcome.rows_in, 1)
    return StepOutput(
        counts=Counts(rows_in=rows, held=rows),
        kept=outcome.kept,
        held=found.reason,
        drift=found.findings[:_MOST_FINDINGS],
        note=_note(outcome),
    )


def _withheld(outcome: LoadOutcome, found: Verdict, delivery: Delivery, reason: str) -> StepOutput:
    output = _held(outcome, Verdict("hold", found.findings, reason))
    return msgspec.structs.replace(output, note=output.note | {WITHHELD: delivery.name})


def _adopted(outcome: LoadOutcome, store: Store, stem: str, part: str) -> tuple[DataFile, ...]:
    found = []
    for index, file in enumerate(outcome.files):
        key = f"{stem}-{index}.parquet"
        found.append(DataFile(key, file.rows, store.adopt(file.path, key), part))
    return tuple(found)


def _note(outcome: LoadOutcome) -> dict[str, str]:
    """The verdict for the ledger, bounded: the fifty most frequent kinds of drift."""
    told = ("kind", "path", "rows", "sample")
    shown = [{name: getattr(drift, name) for name in told} for drift in outcome.drift[:_MOST_FINDINGS]]
    found = {"drift": json.dumps(shown, ensure_ascii=False)} if outcome.drift else {}
    found |= {"repaired": str(outcome.mended)} if outcome.mended else {}
    found |= {"unended": "yes"} if outcome.unended else {}
    found |= {"reader": outcome.reader} if outcome.reader else {}
    return found if outcome.careful is None else {**found, "careful": outcome.careful}
