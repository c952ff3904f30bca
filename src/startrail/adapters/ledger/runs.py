"""Runs in the database."""

from __future__ import annotations

from datetime import datetime

from startrail.adapters.ledger.instants import instant_or_none, text_or_none
from startrail.adapters.ledger.session import Session, decoding
from startrail.base.time import from_text, to_text
from startrail.ledger.errors import RunTaken
from startrail.model.run import Lease, Run, RunState


def start(session: Session, run: Run, lease: Lease) -> tuple[str, ...]:
    """Runs under the same lease that never ended are dead: the lease has one holder at a time. Raises RunTaken."""
    found = tuple(row[0] for row in session.all("runs.unfinished", lease=lease.name) if row[0] != run.id)
    session.run("runs.abandon", lease=lease.name, at=to_text(run.started_at), run=run.id)
    recorded = session.run(
        "runs.start",
        id=run.id,
        started_at=to_text(run.started_at),
        state=run.state,
        ended_at=text_or_none(run.ended_at),
        profile=run.profile,
        project=run.project,
        lease=lease.name,
    )
    if not recorded:
        raise RunTaken(f"there is a run {run.id} already", affects="this run; nothing was changed", hint="startrail run")
    return found


def end(session: Session, run: str, state: RunState, at: datetime) -> bool:
    """False for a run that was found dead before, or has ended."""
    return session.run("runs.end", id=run, state=state, at=to_text(at)) > 0


def newest(session: Session, limit: int) -> list[Run]:
    with decoding("its runs"):
        return [
            Run(id_, from_text(started), state, instant_or_none(ended), profile, project)
            for id_, started, state, ended, profile, project in session.all("runs.newest", limit=limit)
        ]
