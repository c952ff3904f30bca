"""A trial: what a replay would come to, and nothing kept."""

from __future__ import annotations

import msgspec

from startrail.capabilities.contracts.load import raw_schema, task_of, weighed
from startrail.capabilities.contracts.quarantine.replay import Replay
from startrail.model.delivery import Counts
from startrail.ports.loader import Loader
from startrail.ports.quarantine import QuarantineFiles, Tally


class Trial(msgspec.Struct, frozen=True):
    """What loading would come to. ``rules`` are of the rows that would be quarantined."""

    counts: Counts
    """Also of a delivery that would be held: what its rows would be if it were not."""
    held: str | None = None
    """Why nothing of the delivery would be loaded: it would be held, or the source says ``stop``."""
    repaired: int = 0
    rules: tuple[Tally, ...] = ()


def dry_run(replay: Replay, *, loader: Loader, files: QuarantineFiles) -> Trial:
    """What this replay would come to; writes nothing. Raises what loaders raise."""
    delivery, source, contract = replay.standing.delivery, replay.source, replay.contract
    task, judge = task_of(delivery, source, contract, raw_schema(contract), replay.redo)
    with loader.load(task, judge, lambda *_: None) as outcome:
        held = weighed(outcome, delivery, source, contract, replay.past).reason
        if outcome.unreadable is not None:
            rows = max(outcome.rows_in, 1)
            return Trial(Counts(rows_in=rows, held=rows), held)
        loaded = sum(file.rows for file in outcome.files)
        rejected = outcome.rejected
        counts = Counts(outcome.rows_in, loaded, 0 if rejected is None else rejected.rows, 0, outcome.discarded)
        return Trial(counts, held, outcome.mended, () if rejected is None else tuple(files.tally(rejected.path)))
