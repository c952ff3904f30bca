"""Loading one delivery one way: stream what passes, let the judge decide the rest, then look for repeated keys."""

from __future__ import annotations

from heapq import merge

from startrail.adapters.loader.attempt import Attempt, Staged
from startrail.adapters.loader.blocks import Unreadable
from startrail.adapters.loader.directly import directly
from startrail.adapters.loader.engine import NotTaken
from startrail.adapters.loader.natively import natively
from startrail.adapters.loader.records import Records
from startrail.adapters.loader.repeated import RepeatedKeys
from startrail.adapters.loader.second_look import SecondLook
from startrail.adapters.loader.spooled import spooled
from startrail.adapters.loader.survey import dates, empty_columns, medians, unnamed
from startrail.model.drift import DriftKind
from startrail.ports.loader import Drift, LoadOutcome, LocalFile

_TYPED = ("parquet", "avro")
"""Media whose dates are no text."""


def outcome(attempt: Attempt) -> LoadOutcome:
    """What became of the delivery. To be called once; raises NotTaken when another way must do it."""
    try:
        files = _files(attempt)
        _survey(attempt, files)
    except Unreadable as found:
        if attempt.direct and attempt.shape is not None:  # how far it can be read, the other way finds out
            raise NotTaken(found.reason) from found
        return LoadOutcome(attempt.rows_in, unreadable=found.reason, drift=found.drift, reader=attempt.reader)
    task, engine, aside = attempt.task, attempt.engine, attempt.aside
    declared, turned = dates(engine, files, task.contract, texts=not task.media.startswith(_TYPED))
    return LoadOutcome(
        attempt.rows_in,
        tuple(files),
        _rejected(attempt),
        _touched(attempt, files),
        aside.kept,
        _drift(attempt),
        mended=aside.mended_rows,
        discarded=aside.discarded_rows,
        medians=medians(engine, files, task.contract, lengths=attempt.csv and not task.dialect.header),
        dates=declared,
        turned=turned,
        unended=attempt.unended,
        reader=attempt.reader,
    )


def _files(attempt: Attempt) -> list[LocalFile]:
    """All rows that keep the contract."""
    records = Records(attempt)
    staged = directly(attempt) if attempt.direct else natively(attempt, records) or spooled(attempt)
    records.wanted = staged.wanted
    keys = RepeatedKeys(attempt, records, staged)
    _leave_over(attempt, records, keys, staged)
    _leave_out_discarded(attempt, staged)
    keys.set_aside()
    return staged.files


def _leave_over(attempt: Attempt, records: Records, keys: RepeatedKeys, staged: Staged) -> None:
    """Records that the engine's conditions kept out are read again for the judge; those it accepts are added. Undeclared
    fields and defaults were counted when they passed."""
    aside, found = attempt.aside, []
    if sum(file.rows for file in staged.files) + len(aside.ordinals) != attempt.rows_in:
        ordinals = merge(records.undecided(staged.files), keys.look_ahead())
        if staged.again is not None and attempt.quick is not None:
            second = SecondLook(attempt, records, attempt.quick, staged.again)
            records.visit(ordinals, second.look)
            found = second.files()
        else:
            records.visit(ordinals, records.judge)
    if aside.saved_rows:
        aside.flush()
        found += attempt.engine.copy(attempt.queries.saved(aside.saved), "saved", attempt.task.schema)
    staged.files, staged.apart = staged.files + found, staged.apart + found


def _leave_out_discarded(attempt: Attempt, staged: Staged) -> None:
    """Before keys are compared: what is discarded repeats nothing."""
    gone = attempt.task.redo.discarded if attempt.task.redo is not None else frozenset()
    if not staged.files or not gone:
        return
    kept = attempt.engine.copy(attempt.queries.without(staged.files, sorted(gone)), "kept", attempt.task.schema)
    attempt.aside.discarded_rows += sum(file.rows for file in staged.files) - sum(file.rows for file in kept)
    staged.files = kept


def _survey(attempt: Attempt, files: list[LocalFile]) -> None:
    """Declared fields that the delivery does not have at all."""
    aside, shape = attempt.aside, attempt.shape
    if attempt.csv and shape is not None:
        attempt.taken = dict.fromkeys(shape.absent, attempt.rows_in)
    aside.taken(attempt.defaults.told(attempt.taken))
    if shape is not None:
        aside.whole += shape.drift(attempt.rows_in)
        return
    if attempt.csv or not attempt.rows_in:
        return
    contract, seen = attempt.task.contract, aside.drift()
    null = {drift.path for drift in seen if drift.kind == "null_in_required" and drift.rows == attempt.rows_in}
    required = [field.name for field in contract.fields if f"$.{field.name}" in null]
    changed = {drift.path for drift in seen if drift.kind == "case_change"}
    empty = [name for name in empty_columns(attempt.engine, files, contract) if f"$.{name}" not in changed]
    for name in unnamed(attempt.path, attempt.task.media, required + empty):
        kind: DriftKind = "missing_required" if name in required else "missing_optional"
        aside.whole.append(Drift(kind, f"$.{name}", attempt.rows_in))


def _drift(attempt: Attempt) -> tuple[Drift, ...]:
    """As seen; a required field that no record has is not told a second time as null in each."""
    found = attempt.aside.drift()
    missing = {drift.path for drift in found if drift.kind == "missing_required"}
    return tuple(drift for drift in found if drift.kind != "null_in_required" or drift.path not in missing)


def _rejected(attempt: Attempt) -> LocalFile | None:
    if not attempt.aside.refused_rows:
        return None
    attempt.aside.flush()
    (file,) = attempt.engine.copy(attempt.queries.refused(attempt.aside.refused), "refused")
    return file


def _touched(attempt: Attempt, files: list[LocalFile]) -> dict[str, int]:
    if not files or attempt.task.partition is None:
        return {}
    return dict(attempt.engine.rows(attempt.queries.touched(files, *attempt.task.partition)))
