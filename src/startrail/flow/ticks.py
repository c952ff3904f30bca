"""What a run that was started for a tick tells about it."""

from __future__ import annotations

from datetime import datetime

from startrail.base.time import to_text
from startrail.flow.events import TickClaimed, TickEnded
from startrail.model.run import RunState
from startrail.model.schedule import Tick


def claimed(tick: Tick | None, run: str) -> list[TickClaimed]:
    """Told together with the start of the run."""
    if tick is None:
        return []
    return [TickClaimed(subject=tick.schedule, run=run, at=to_text(tick.at), takes_over=tick.takes_over)]


def ended(tick: Tick | None, run: str, state: RunState, now: datetime) -> list[TickEnded]:
    """Told together with the end of the run."""
    if tick is None:
        return []
    late = (now - tick.deadline).total_seconds() if tick.deadline is not None and now > tick.deadline else None
    return [TickEnded(subject=tick.schedule, run=run, at=to_text(tick.at), state=state, late=late)]
