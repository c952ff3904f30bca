"""Publication: everything a run staged becomes visible in one transaction, or nothing does."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from startrail.base.crash import crash_point
from startrail.base.ids import fingerprint
from startrail.flow.errors import Unconserved
from startrail.flow.events import HoldEnded, PublicationHeld, Published
from startrail.flow.session import Session, to_facts
from startrail.model.run import Hold, Publication
from startrail.model.step import StepOutput
from startrail.model.table import Prepared, TableChange

_WRITERS = 8


def publish(session: Session) -> bool:
    """Move every pointer of this run's group together; False when there was nothing to publish."""
    work, ports = session.workspace, session.ports
    if not work.staged:
        return False
    assert_conserved(work.staged.values())
    at = ports.clock.now()
    prepared = _prepare(session)
    crash_point("between metadata and pointers")
    identity = fingerprint(session.run, sorted(work.staged))
    tables, views = tuple(sorted(work.moved)), work.moved_views()
    event = Published(subject=session.run, publication=identity, tables=tables, steps=len(work.staged), views=views)
    publication = Publication(
        id=identity,
        run=session.run,
        at=at,
        prepared=prepared,
        steps=tuple(work.staged),
        versions=work.moved,
        facts=to_facts(event),
    )
    ports.ledger.publish(publication, session.lease)
    crash_point("after commit")
    work.published({item.change.table: item.pointer for item in prepared})
    session.show(event)
    return True


def hold(session: Session, because: str) -> None:
    """Keep the whole group from publication; what was staged stays queryable as ``table@failed``."""
    work = session.workspace
    identity = fingerprint("hold", session.run, sorted(work.staged))
    event = PublicationHeld(subject=session.run, publication=identity, tables=tuple(sorted(work.changes)), because=because)
    held = Hold(identity, session.run, session.ports.clock.now(), tuple(work.changes.values()), to_facts(event))
    session.ports.ledger.hold(held, session.lease)
    session.show(event)


def end_holds(session: Session) -> None:
    """Everything wanted is published, so what an earlier run held is wanted no more: an edit was taken back."""
    ledger = session.ports.ledger
    tables = tuple(str(table) for table in ledger.held_tables())
    if tables:
        event = HoldEnded(subject=session.run, tables=tables)
        ledger.end_holds(session.run, session.ports.clock.now(), to_facts(event), session.lease)
        session.show(event)


def assert_conserved(outputs: Iterable[StepOutput]) -> None:
    """Law 2: every row of every delivery has exactly one disposition, and the loaded ones are in the files."""
    for output in outputs:
        if output.counts is None:
            continue
        in_files = sum(file.rows for change in output.changes for file in change.files)
        if not output.counts.conserved() or in_files != output.counts.loaded:
            raise Unconserved(
                f"{output.counts.rows_in} rows in, but {output.counts.loaded} loaded ({in_files} in files), "
                f"{output.counts.quarantined} quarantined, {output.counts.held} held, {output.counts.discarded} discarded",
                affects="the whole publication; nothing became visible",
            )


def _prepare(session: Session) -> tuple[Prepared, ...]:
    work, ports = session.workspace, session.ports
    at = ports.clock.now()
    tables = ports.tables
    changes = [work.changes[name] for name in sorted(work.changes)]

    def prepare(place: int, change: TableChange) -> Prepared:
        if place:
            crash_point("between metadata of two tables")
        return tables().prepare(change, work.pointers.get(change.table), at)

    # Each table is a few small files, so that the time goes into waiting for the store to confirm them.
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="metadata") as pool:
        return tuple(pool.map(prepare, range(len(changes)), changes))
