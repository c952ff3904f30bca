"""Landing in the cloud: into the store of a profile, under its ledger. Loading is for the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from startrail.adapters.ledger.postgres import open_ledger
from startrail.adapters.secrets import is_reference, resolve
from startrail.base.ids import new_run_id
from startrail.base.time import to_text
from startrail.capabilities.sources.land import land
from startrail.flow.events import RunAbandoned, RunEnded, RunStarted, SourceSkipped
from startrail.flow.lease import holding
from startrail.flow.pauses import paused
from startrail.flow.session import to_facts
from startrail.model.run import NewFact, Run, RunState
from startrail.wiring.function.store import open_target

if TYPE_CHECKING:
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed
    from startrail.wiring.function.handler import Function


def work(function: Function, feed: Feed, clock: Clock, wait: float) -> tuple[int, int]:
    """Land what is new, as a run of its own; returns how many deliveries, and their bytes. A paused source is left alone."""
    bundle, source = function.bundle, function.bundle.source
    assert bundle.ledger is not None
    dsn = bundle.ledger.dsn
    ledger = open_ledger(resolve(dsn, function.root) if is_reference(dsn) else dsn, schema=bundle.ledger.schema)
    try:
        store = open_target(function)
        with holding(ledger, clock, function.show, wait) as lease:
            now = clock.now()
            pause = paused(ledger, now).get(source.name)
            if pause is not None:
                function.show(SourceSkipped(subject=source.name, until=to_text(pause.until), reason=pause.reason))
                return 0, 0
            run = new_run_id(now)

            def begun(abandoned: tuple[str, ...]) -> tuple[NewFact, ...]:
                started = RunStarted(run=run, profile=bundle.profile, at=to_text(now))
                return to_facts(started, *(RunAbandoned(run=dead) for dead in abandoned))

            ledger.start_run(Run(run, now, profile=bundle.profile, project=bundle.digest), lease, begun)
            state: RunState = "failed"
            try:
                deliveries = land(source, feed, ledger=ledger, store=store, lease=lease, run=run, clock=clock, emit=function.show)
                state = "done"
            finally:
                over = RunEnded(run=run, state=state, steps=1, skipped=0, everything=False)
                ledger.end_run(run, state, clock.now(), to_facts(over))
        return len(deliveries), sum(delivery.size for delivery in deliveries)
    finally:
        ledger.close()
