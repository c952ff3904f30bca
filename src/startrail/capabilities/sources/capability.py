"""Sources in a run: what is new at each feed is landed, bytes first."""

from __future__ import annotations

from startrail.base.time import to_text
from startrail.capabilities.sources.land import land
from startrail.capabilities.sources.queue import check_alone
from startrail.flow.capability import Phase
from startrail.flow.events import SourceSkipped
from startrail.flow.pauses import paused
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput


class Sources:
    """The capability; one object per run."""

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "land":
            return []
        wanted = [source for source in session.project.sources.values() if source.name in session.selection]
        now = session.ports.clock.now()
        pauses = paused(session.ports.ledger, now)
        for source in wanted:
            pause = pauses.get(source.name)
            if pause is not None:
                session.emit(SourceSkipped(subject=source.name, until=to_text(pause.until), reason=pause.reason))
        return [_task(source, session) for source in wanted if source.name not in pauses]


def _task(source: Source, session: Session) -> Task:
    def work() -> StepOutput:
        ports = session.ports
        check_alone(source, session.project)
        feed = ports.feed(source)
        try:
            deliveries = land(
                source,
                feed,
                ledger=ports.ledger,
                store=ports.store,
                lease=session.lease,
                run=session.run,
                clock=ports.clock,
                emit=session.show,
            )
        finally:
            feed.close()
        return StepOutput(deliveries=deliveries, rows=len(deliveries))

    # Listing a feed happens in every run, so its step has the run as partition and leaves no record:
    # what it landed is recorded per delivery.
    return Task(Step("land", source.name, session.run), work, source.name, record=False)
