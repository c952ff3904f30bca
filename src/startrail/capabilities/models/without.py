"""The tables as they would be without some rows of a raw table: as SQL over what is published, nothing is built.

What cannot be affected is read as it is published; a table of a model is its own SELECT again, a partitioned one only in
the partitions whose inputs changed. Whether that gives the published rows when nothing is left out is for the caller to
see, with ``leave_out=False``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from startrail.base.time import partition_bounds
from startrail.capabilities.models.errors import CannotTell
from startrail.capabilities.models.plan import inputs_of
from startrail.model.table import WHOLE, Relation, View
from startrail.ports.loader import DELIVERY, ORDINAL
from startrail.ports.warehouse import Query, Warehouse

if TYPE_CHECKING:
    from startrail.capabilities.models.survey import Survey
    from startrail.flow.workspace import Workspace
    from startrail.model.model import Model
    from startrail.model.project import Project

_ASIDE = "startrail_as_published"
"""The namespace of published rows whose table's name stands for something else."""
_MOST_PARTITIONS = 100

Span = tuple[datetime, datetime]


class Gone(msgspec.Struct, frozen=True):
    """Rows of one delivery, by ranges of ordinals with both ends; None: all of them."""

    delivery: str
    ranges: tuple[tuple[int, int], ...] | None = None


class Without:
    """One raw table without these rows, and everything that is made from it."""

    def __init__(
        self, table: str, gone: Iterable[Gone], *, project: Project, survey: Survey, workspace: Workspace, warehouse: Warehouse
    ) -> None:
        self._table = table
        self._gone = tuple(gone)
        self._project = project
        self._survey = survey
        self._workspace = workspace
        self._warehouse = warehouse
        self._views = frozenset(name for name, model in project.models.items() if model.kind == "view")
        self._changed: dict[str, tuple[Span, ...] | None] = {}

    def relations(self, names: Iterable[str], *, leave_out: bool) -> tuple[Relation | View, ...]:
        """What a query over these tables needs. Raises CannotTell, and what the warehouse raises."""
        found: dict[str, Relation | View] = {}
        for name in names:
            self._collect(name, found, leave_out)
        return tuple(found.values())

    def rows(self) -> int:
        """How many rows of the table as it is published are left out."""
        found: dict[str, Relation | View] = {}
        aside = self._aside(self._workspace.table(self._table), found)
        sql = f"SELECT count(*) FROM {aside} WHERE {self._is_gone()}"
        return int(self._warehouse.fetch(Query(sql, tuple(found.values()))).rows[0][0])

    def _collect(self, name: str, found: dict[str, Relation | View], leave_out: bool) -> None:
        if name in found:
            return
        if name == self._table:
            aside = self._aside(self._workspace.table(name), found)
            found[name] = View(name, self._raw(aside, leave_out=leave_out))
        elif not self._made_from_it(name):
            found.update((relation.name, relation) for relation in self._workspace.relations(name))
        else:
            model = self._model(name)
            for read in self._survey.analyses[model.name].reads:
                self._collect(read, found, leave_out)
            found[name] = self._again(model, found)

    def _made_from_it(self, name: str) -> bool:
        return self._table in self._behind(name, set())

    def _behind(self, name: str, seen: set[str]) -> set[str]:
        if name not in seen:
            seen.add(name)
            maker = self._survey.maker.get(name)
            for read in self._survey.analyses[maker].reads if maker is not None else ():
                self._behind(read, seen)
        return seen

    def _model(self, name: str) -> Model:
        model = self._project.models[self._survey.maker[name]]
        if model.kind == "script":
            raise CannotTell(f"{name} is made by a script", at=model.span, hint="make it a model of one SELECT")
        if name in self._survey.analyses[model.name].reads:
            raise CannotTell(f"{name} reads its own earlier rows", at=model.span)
        if model.kind != "view" and not self._workspace.exists(name):
            raise CannotTell(f"{name} is not published yet", at=model.span, hint="startrail run")
        return model

    def _again(self, model: Model, found: dict[str, Relation | View]) -> View:
        if model.kind == "view":
            return View(model.name, self._select(model, WHOLE, datetime.min, datetime.max))
        published = self._workspace.table(model.name)
        columns = ", ".join(map(self._warehouse.quote, published.schema.names()))
        if model.kind == "table":
            return View(model.name, f"SELECT {columns} FROM (\n{self._select(model, WHOLE, datetime.min, datetime.max)}\n)")
        touched = self._touched(model)
        if any(file.part == WHOLE for file in published.files):
            raise CannotTell(f"{model.name} was not partitioned when it was built", at=model.span)
        rest = tuple(file for file in published.files if file.part not in touched)
        aside = self._aside(msgspec.structs.replace(published, files=rest), found)
        selects = [
            f"SELECT {columns} FROM (\n{self._select(model, part, *partition_bounds(part, model.partition_grain))}\n)"
            for part in touched
        ]
        return View(model.name, "\nUNION ALL BY NAME\n".join([f"SELECT {columns} FROM {aside}", *selects]))

    def _select(self, model: Model, part: str, start: datetime, end: datetime) -> str:
        from startrail.lineage.bound import bound

        values = {"env": self._project.name, "partition": part, "start": start, "end": end}
        return bound(model.sql, values, dialect=self._warehouse.dialect)

    def _aside(self, relation: Relation, found: dict[str, Relation | View]) -> str:
        name = f"{_ASIDE}.{relation.name.replace('.', '__')}"
        found[name] = msgspec.structs.replace(relation, name=name)
        return self._warehouse.quote(name)

    def _raw(self, aside: str, *, leave_out: bool) -> str:
        return f"SELECT * FROM {aside}" + (f" WHERE NOT ({self._is_gone()})" if leave_out else "")

    def _is_gone(self) -> str:
        """The condition under which a row is left out; it is never NULL, since no row lacks its identity."""
        delivery, ordinal = self._warehouse.quote(DELIVERY), self._warehouse.quote(ORDINAL)
        whole = [_text(each.delivery) for each in self._gone if each.ranges is None]
        some = [_rows(each) for each in self._gone if each.ranges]
        conditions = [f"{delivery} IN ({', '.join(whole)})"] if whole else []
        if some:
            rows = " UNION ALL ".join(some)
            conditions.append(f"EXISTS (SELECT 1 FROM ({rows}) AS gone WHERE gone.d = {delivery} AND gone.o = {ordinal})")
        return " OR ".join(conditions) or "false"

    # -- which partitions ------------------------------------------------------------------------------
    def _touched(self, model: Model) -> tuple[str, ...]:
        """The built partitions that may be otherwise."""
        grain = model.partition_grain
        if grain == "list":
            raise CannotTell(f"{model.name} is partitioned by list", at=model.span)
        parts = sorted(self._workspace.versions.get(model.name, {}))
        if WHOLE in parts:
            raise CannotTell(f"{model.name} was not partitioned when it was built", at=model.span)
        spans: list[Span] = []
        for item in inputs_of(model.name, self._survey, self._views, grain)[0]:
            changed = self._changes(item.table) if self._made_from_it(item.table) else ()
            if changed is None or (changed and item.by is None):
                spans = [(datetime.min, datetime.max)]
                break
            spans += changed
        bounds = {part: partition_bounds(part, grain) for part in parts}
        touched = [part for part in parts if any(_meet(bounds[part], span) for span in spans)]
        if len(touched) > _MOST_PARTITIONS:
            raise CannotTell(
                f"{len(touched):,} partitions of {model.name} would be otherwise, more than {_MOST_PARTITIONS}", at=model.span
            )
        return tuple(touched)

    def _changes(self, table: str) -> tuple[Span, ...] | None:
        """The spans of the column a table is partitioned by in which it may be otherwise; None: anywhere."""
        if table not in self._changed:
            self._changed[table] = self._find_changes(table)
        return self._changed[table]

    def _find_changes(self, table: str) -> tuple[Span, ...] | None:
        if table == self._table:
            return self._hours()
        model = self._model(table)
        if model.kind != "partition":
            return None
        return tuple(partition_bounds(part, model.partition_grain) for part in self._touched(model))

    def _hours(self) -> tuple[Span, ...] | None:
        """The hours of the rows that are left out; rows without a time are in no partition of a model."""
        by = self._survey.partitioning.get(self._table)
        if by is None:
            return None
        found: dict[str, Relation | View] = {}
        aside = self._aside(self._workspace.table(self._table), found)
        hour = f"date_trunc('hour', CAST({self._warehouse.quote(by.column)} AS TIMESTAMP))"
        sql = f"SELECT DISTINCT CAST({hour} AS TIMESTAMP) AS h FROM {aside} WHERE {self._is_gone()} ORDER BY h"
        rows = self._warehouse.fetch(Query(sql, tuple(found.values()))).rows
        return tuple((hour, _hour_later(hour)) for (hour,) in rows if hour is not None)


def _hour_later(hour: datetime) -> datetime:
    return datetime.max if hour > datetime.max - timedelta(hours=1) else hour + timedelta(hours=1)


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _rows(gone: Gone) -> str:
    """The rows' identities; the ranges are one text for the engine to take apart, as fast for very many as for one."""
    first, last = (",".join(str(each[end]) for each in gone.ranges or ()) for end in (0, 1))
    lists = [f"UNNEST(CAST(string_split('{text}', ',') AS BIGINT[])) AS {name}" for text, name in ((first, "a"), (last, "b"))]
    return f"SELECT {_text(gone.delivery)} AS d, UNNEST(range(a, b + 1)) AS o FROM (SELECT {', '.join(lists)})"


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
