"""A trial: a delivery judged under a contract, and nothing kept."""

from __future__ import annotations

import msgspec

from startrail.capabilities.contracts.load import raw_schema, task_of, why_held
from startrail.capabilities.contracts.replay import Replay
from startrail.model.contract import Contract
from startrail.model.delivery import Counts, Delivery
from startrail.model.source import Source
from startrail.ports.loader import Loader, Redo
from startrail.ports.quarantine import QuarantineFiles, Refusal, Tally


class Trial(msgspec.Struct, frozen=True):
    """What loading would come to. ``rules`` and ``examples`` are of the rows that would be quarantined."""

    counts: Counts
    """Also of a delivery that would be held: what its rows would be if it were not."""
    held: str | None = None
    """Why the whole delivery would be held."""
    repaired: int = 0
    kept: dict[str, int] = {}
    """Undeclared fields that would be kept in ``_extra``, with the number of rows that have them."""
    rules: tuple[Tally, ...] = ()
    examples: tuple[Refusal, ...] = ()

    @property
    def ok(self) -> bool:
        """True when every row would be loaded."""
        return self.held is None and self.counts.loaded == self.counts.rows_in - self.counts.discarded


def trial(
    delivery: Delivery,
    source: Source,
    contract: Contract,
    *,
    loader: Loader,
    files: QuarantineFiles,
    examples: int = 5,
    redo: Redo | None = None,
) -> Trial:
    """Raises ReservedField (ST301), UnsupportedField (ST302) and what loaders raise."""
    task, judge = task_of(delivery, source, contract, raw_schema(contract), redo)
    with loader.load(task, judge, lambda *_: None) as outcome:
        held = why_held(outcome, source)
        if outcome.unreadable is not None:
            rows = max(outcome.rows_in, 1)
            return Trial(Counts(rows_in=rows, held=rows), held)
        loaded = sum(file.rows for file in outcome.files)
        rejected = outcome.rejected
        counts = Counts(outcome.rows_in, loaded, 0 if rejected is None else rejected.rows, 0, outcome.discarded)
        return Trial(
            counts,
            held,
            outcome.mended,
            outcome.kept,
            () if rejected is None else tuple(files.tally(rejected.path)),
            () if rejected is None else tuple(files.rows(rejected.path, limit=examples)),
        )


def dry_run(replay: Replay, *, loader: Loader, files: QuarantineFiles, examples: int = 3) -> Trial:
    """What this replay would come to; writes nothing."""
    return trial(
        replay.standing.delivery,
        replay.source,
        replay.contract,
        loader=loader,
        files=files,
        examples=examples,
        redo=replay.redo,
    )
