"""Steps in the database. The load step of a delivery has the delivery's id as its partition."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from startrail.adapters.ledger.instants import instant_or_none, text_or_none
from startrail.adapters.ledger.session import NO_LIMIT, Row, Session, Value, decoding, storable
from startrail.base.time import from_text, to_text
from startrail.model.step import Step, StepOutput, StepRecord, Took

_encoder = msgspec.json.Encoder()
_outputs = msgspec.json.Decoder(StepOutput)


def record(session: Session, step: StepRecord) -> None:
    """Insert or replace, but leave a published record as it is."""
    session.run("steps.record", **_values(step))
    if step.state == "published" and step.step.kind == "load":
        session.run_in("steps.mark_loaded", [step.key])


def by_keys(session: Session, keys: Iterable[str]) -> dict[str, StepRecord]:
    return {row[0]: _record(row) for row in session.all_in("steps.by_keys", keys)}


def loads_of(session: Session, deliveries: Iterable[str]) -> list[StepRecord]:
    """All load steps of these deliveries, oldest first."""
    found = [_record(row) for row in session.all_in("steps.loads_of", deliveries)]
    return sorted(found, key=lambda record: record.ended_at or record.started_at)


def history(session: Session, kind: str | None, subject: str | None, run: str | None, limit: int | None) -> list[StepRecord]:
    by = "run" if run is not None else "subject" if subject is not None else "kind" if kind is not None else "end"
    most = NO_LIMIT if limit is None else limit
    return [_record(row) for row in session.all(f"steps.by_{by}", kind=kind, subject=subject, run=run, limit=most)]


def took(session: Session, subject: str, limit: int) -> list[Took]:
    with decoding(f"how long {subject} took"):
        return [
            Took(kind, run, state, from_text(started), from_text(ended), error)
            for kind, run, state, started, ended, error in session.all("steps.took", subject=subject, limit=limit)
        ]


def views(session: Session) -> dict[str, StepRecord]:
    records = (_record(row) for row in session.all("steps.views"))
    return {record.step.subject: record for record in records}


def publish(session: Session, keys: Iterable[str], publication: int | None) -> None:
    """Mark as published. Raises ValueError for a step that was never recorded: publishing it would be a bug."""
    wanted = list(dict.fromkeys(keys))
    known = {row[0] for row in session.all_in("steps.known", wanted)}
    missing = [key for key in wanted if key not in known]
    if missing:
        raise ValueError(f"a publication names steps that were never recorded: {', '.join(missing)}")
    session.many("steps.publish", [{"key": key, "publication": publication} for key in wanted])
    session.run_in("steps.mark_loaded", wanted)
    session.run_in("steps.mark_withdrawn", wanted)


def _values(record: StepRecord) -> dict[str, Value]:
    output = record.output
    return {
        "key": record.key,
        "kind": record.step.kind,
        "subject": record.step.subject,
        "partition": record.step.partition,
        "code": record.step.code,
        "inputs": record.step.inputs,
        "state": record.state,
        "run": record.run,
        "started_at": to_text(record.started_at),
        "ended_at": text_or_none(record.ended_at),
        "attempts": record.attempts,
        "output": None if output is None else _encoder.encode(output).decode(),
        "is_view": int(record.step.kind == "build" and output is not None and output.view is not None),
        "error": None if record.error is None else storable(record.error),
        "refused": _refused(record),
        "contract": None if output is None or output.contract is None else output.contract.key,
    }


def _refused(record: StepRecord) -> int:
    counts = record.output.counts if record.output is not None and record.step.kind == "load" else None
    return 0 if counts is None else counts.quarantined + counts.held


def _record(row: Row) -> StepRecord:
    key, kind, subject, partition, code, inputs, state, run, started_at, ended_at, attempts, output, error = row
    with decoding(f"step {key} ({kind} {subject} {partition})"):
        return StepRecord(
            key=key,
            step=Step(kind, subject, partition, code, inputs),
            state=state,
            run=run,
            started_at=from_text(started_at),
            ended_at=instant_or_none(ended_at),
            attempts=attempts,
            output=None if output is None else _outputs.decode(output),
            error=error,
        )
