"""Sources in a run: what is new at each feed is landed, bytes first."""

from __future__ import annotations

from collections.abc import Callable

from startrail.base.errors import SourceError
from startrail.base.time import to_text
from startrail.capabilities.sources.land import land
from startrail.capabilities.sources.queue import check_alone
from startrail.capabilities.sources.unpack import unpack
from startrail.flow.capability import Phase
from startrail.flow.events import SourceSkipped
from startrail.flow.pauses import paused
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.delivery import Delivery
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput
from startrail.ports.archive import Unpacker


class Sources:
    """The capability; one object per run. ``unpacker`` opens archives, once there is one."""

    def __init__(self, unpacker: Callable[[], Unpacker]) -> None:
        self._unpacker = unpacker

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
        return [_task(source, session, self._unpacker) for source in wanted if source.name not in pauses]


def _task(source: Source, session: Session, unpacker: Callable[[], Unpacker]) -> Task:
    def work() -> StepOutput:
        ports = session.ports
        check_alone(source, session.project)
        feed = ports.feed(source)
        deliveries: tuple[Delivery, ...] = ()
        failed = None
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
        except SourceError as error:
            failed = error  # what did land is unpacked all the same
        finally:
            feed.close()
        if source.archive is not None:
            deliveries += unpack(
                source, unpacker=unpacker(), ledger=ports.ledger, store=ports.store, lease=session.lease, run=session.run,
                clock=ports.clock, emit=session.show,
            )  # fmt: skip
        if failed is not None:
            raise failed
        return StepOutput(deliveries=deliveries, rows=len(deliveries))

    # Listing a feed happens in every run, so its step has the run as partition and leaves no record:
    # what it landed is recorded per delivery.
    return Task(Step("land", source.name, session.run), work, source.name, record=False)
