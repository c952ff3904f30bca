"""The tables behind a metric: pinned to what is visible now, or to what was visible at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from startrail.base.time import to_text
from startrail.capabilities.metrics.errors import NoSuchMoment
from startrail.capabilities.metrics.views import views_at
from startrail.flow.workspace import Workspace, table_version
from startrail.model.metric import MetricInput
from startrail.model.table import Relation, Snapshot, TableName, TableSchema, View
from startrail.ports.ledger import Ledger
from startrail.ports.tables import Tables
from startrail.ports.warehouse import Query, Readable, Rowset, Warehouse


class Pinned(msgspec.Struct, frozen=True):
    """What a query reads, and which version of each table that is."""

    relations: tuple[Readable, ...]
    inputs: tuple[MetricInput, ...] = ()
    views: tuple[str, ...] = ()
    """Views among them."""

    def schema(self, name: str, warehouse: Warehouse) -> TableSchema:
        """The columns of one of the tables or views."""
        for relation in self.relations:
            if relation.name == name and isinstance(relation, Relation | Rowset):
                return relation.schema
        return warehouse.describe(Query(f"SELECT * FROM {warehouse.quote(name)}", self.relations))


def pin(names: Iterable[str], workspace: Workspace) -> Pinned:
    """As it is visible to the workspace. Raises UnknownTable."""
    relations = workspace.relations(*names)
    inputs = []
    for relation in relations:
        if isinstance(relation, Relation):
            state = workspace.state(relation.name)
            newest = state.snapshots[-1] if state is not None and state.snapshots else None
            version = table_version(workspace.versions.get(relation.name, {}))
            inputs.append(_input(relation.name, newest, version))
    return Pinned(relations, tuple(inputs), _views(relations))


def pin_at(names: Iterable[str], at: datetime, workspace: Workspace, ledger: Ledger, tables: Tables) -> Pinned:
    """As it was visible at an instant, views by their texts of then. Raises UnknownTable, NoSuchMoment, UnknownView."""
    found: dict[str, Relation | View] = {}
    inputs: list[MetricInput] = []

    def collect(name: str) -> None:
        if name in found:
            return
        if workspace.is_view(name):
            then = views_at([name], at, ledger)[name]
            for read in then.reads:
                collect(read)
            found[name] = then.view
            return
        table = workspace.table(name).name
        snapshot = _snapshot_at(table, at, workspace)
        schema, files = tables.files(workspace.pointers[TableName.parse(table)], snapshot.id)
        found[table] = Relation(table, schema, files)
        inputs.append(_input(table, snapshot, None))

    for name in names:
        collect(name)
    return Pinned(tuple(found.values()), tuple(inputs), _views(tuple(found.values())))


def moment_of(snapshot: int, name: str, workspace: Workspace) -> datetime:
    """When a snapshot of a table was published. Raises UnknownTable, NoSuchMoment."""
    for relation in workspace.relations(name):
        state = workspace.state(relation.name) if isinstance(relation, Relation) else None
        for each in state.snapshots if state is not None else ():
            if each.id == snapshot:
                return _instant(each)
    raise NoSuchMoment(
        f"{name} has no snapshot {snapshot}", hint="startrail metric value NAME --json names the snapshots of its tables"
    )


def _snapshot_at(name: str, at: datetime, workspace: Workspace) -> Snapshot:
    state = workspace.state(name)
    kept = state.snapshots if state is not None else ()
    before = [snapshot for snapshot in kept if _instant(snapshot) <= at]
    if not before:
        oldest = f"the oldest kept is of {to_text(_instant(kept[0]))}" if kept else "it has none"
        raise NoSuchMoment(f"{name} has no snapshot of {to_text(at)}; {oldest}", hint="name a later moment")
    return before[-1]


def _instant(snapshot: Snapshot) -> datetime:
    return datetime.fromtimestamp(snapshot.at / 1000, UTC)


def _input(name: str, snapshot: Snapshot | None, version: str | None) -> MetricInput:
    if snapshot is None:
        return MetricInput(name, version=version)
    return MetricInput(name, snapshot.id, to_text(_instant(snapshot)), version)


def _views(relations: tuple[Relation | View, ...]) -> tuple[str, ...]:
    return tuple(relation.name for relation in relations if isinstance(relation, View))
