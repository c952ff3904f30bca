"""What is visible: pointers of the Iceberg catalog, versions of partitions, and what checks held back."""

from __future__ import annotations

import msgspec

from startrail.adapters.ledger import facts, steps
from startrail.adapters.ledger.session import Session, decoding
from startrail.base.crash import crash_point
from startrail.base.time import to_text
from startrail.ledger.errors import PublishConflict
from startrail.model.run import Hold, Publication
from startrail.model.table import Pointer, Prepared, TableChange, TableName

CATALOG = "startrail"
"""The name of our catalog in ``iceberg_tables``, which may hold others."""

_encoder = msgspec.json.Encoder()
_changes = msgspec.json.Decoder(TableChange)


def number_of(session: Session, publication: Publication) -> int | None:
    """Its place among all publications, or None while it has not happened."""
    row = session.one("publishing.find", id=publication.id)
    return None if row is None else row[0]


def publish(session: Session, publication: Publication) -> None:
    """Everything inside the caller's one transaction; raising anything undoes it all."""
    _move_pointers(session, publication.prepared)
    crash_point("inside publication, pointers moved")
    session.run("publishing.record", id=publication.id, run=publication.run, at=to_text(publication.at))
    steps.publish(session, publication.steps, number_of(session, publication))
    crash_point("inside publication, steps recorded")
    versions = [
        {"table": table, "partition": partition, "version": version}
        for table, partitions in publication.versions.items()
        for partition, version in partitions.items()
    ]
    session.many("publishing.set_version", versions)
    session.many("publishing.forget_held", [{"table": str(prepared.change.table)} for prepared in publication.prepared])
    facts.append(session, publication.facts, publication.run, publication.at)


def pointers(session: Session) -> dict[TableName, Pointer]:
    found: dict[TableName, Pointer] = {}
    for namespace, name, metadata, previous in session.all("publishing.pointers", catalog=CATALOG):
        table = TableName(namespace, name)
        found[table] = Pointer(table, metadata, previous)
    return found


def versions(session: Session) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, partition, version in session.all("publishing.versions"):
        found.setdefault(table, {})[partition] = version
    return found


def hold(session: Session, held: Hold) -> None:
    """The newest hold of a table takes the place of an older one. A hold that is already recorded changes nothing."""
    if not session.run("publishing.record_hold", id=held.id, run=held.run, at=to_text(held.at)):
        return
    changes = [
        {"table": str(change.table), "hold": held.id, "change": _encoder.encode(change).decode()} for change in held.changes
    ]
    session.many("publishing.hold_change", changes)
    facts.append(session, held.facts, held.run, held.at)


def held_change(session: Session, table: TableName) -> TableChange | None:
    row = session.one("publishing.held", table=str(table))
    if row is None:
        return None
    with decoding(f"the held change of {table}"):
        return _changes.decode(row[0])


def held_tables(session: Session) -> tuple[TableName, ...]:
    return tuple(TableName.parse(row[0]) for row in session.all("publishing.held_tables"))


def end_holds(session: Session) -> None:
    session.run("publishing.end_holds")


def _move_pointers(session: Session, prepared: tuple[Prepared, ...]) -> None:
    """Compare-and-set of each pointer, so that a program outside Startrail that moves one is noticed too."""
    rows = [
        {
            "catalog": CATALOG,
            "namespace": each.pointer.table.namespace,
            "name": each.pointer.table.name,
            "metadata": each.pointer.metadata,
            "previous": each.pointer.previous,
        }
        for each in prepared
    ]
    namespaces = {each.pointer.table.namespace for each in prepared}
    session.many("publishing.ensure_namespace", [{"catalog": CATALOG, "namespace": name} for name in sorted(namespaces)])
    new = [row for row in rows if row["previous"] is None]
    old = [row for row in rows if row["previous"] is not None]
    changed = session.many("publishing.insert_pointer", new) + session.many("publishing.move_pointer", old)
    if changed != len(rows):
        raise _conflict(session, prepared)


def _conflict(session: Session, prepared: tuple[Prepared, ...]) -> PublishConflict:
    now = pointers(session)
    moved = [
        each.pointer
        for each in prepared
        if each.pointer.table not in now or now[each.pointer.table].metadata != each.pointer.metadata
    ]
    names = ", ".join(str(pointer.table) for pointer in moved) or "a table named twice in one publication"
    first = moved[0] if moved else prepared[0].pointer
    found = now[first.table].metadata if first.table in now else "no table"
    return PublishConflict(
        f"{names} changed while this publication was being prepared",
        affects=f"all {len(prepared)} tables of the publication, which stay as they were; "
        f"{first.table} is at {found}, expected was {first.previous or 'no table'}",
        hint="run again: `startrail run`",
    )
