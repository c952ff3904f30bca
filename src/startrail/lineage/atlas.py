"""The lineage of a whole project: from the fields of sources through tables and models to reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.model.lineage import EVERY, IDENTITY, Influence, Node, NotAnalysed, Traced, TracedColumn, TracedTable
from startrail.model.project import Project

VERSION = "1"
"""Changes whenever the same SQL gives other lineage, so that what is remembered is made anew."""
LOADED = ("_delivery", "_ordinal", "_extra")
"""Columns that loading adds to every raw table."""

Columns = Mapping[str, str]
Dependencies = Mapping[str, Sequence[str]]


class TracedText(msgspec.Struct, frozen=True):
    """One model's or report's lineage; ``key`` covers its text and the columns of what it reads."""

    key: str
    tables: tuple[TracedTable, ...]
    not_analysed: tuple[NotAnalysed, ...] = ()


class Atlas(msgspec.Struct, frozen=True):
    """``nodes`` by name: tables as they are called, ``source:NAME``, ``report:NAME``. ``texts`` by model or report."""

    nodes: dict[str, Node]
    tables: dict[str, TracedTable]
    texts: dict[str, TracedText]


def atlas(
    project: Project,
    order: Iterable[str],
    reads: Dependencies,
    report_sql: Mapping[str, str],
    report_reads: Dependencies,
    before: Atlas | None = None,
) -> Atlas:
    """Trace every model in ``order`` and every report; what has not changed since ``before`` is taken over.

    ``reads``: the tables that a model reads. A text that cannot be analysed is said to be so, and has no columns.
    """
    drawing = _Drawing(before)
    for source in project.sources.values():
        contract = project.contracts.get(source.contract or "")
        if source.into is not None and contract is not None:
            drawing.source(source.name, source.into, {field.name: str(field.type) for field in contract.fields}, source.span)
    for name in order:
        model = project.models[name]
        script = model.kind == "script"
        kind = "view" if model.kind == "view" else "table"
        text = drawing.text(name, model.sql, reads[name], None if script else name)
        for table in text.tables:
            drawing.add(table, Node(table.table or name, kind, _names(table), Span(model.path)))
        for missing in (*(model.writes if script else ()), *(() if script else (name,))):
            if missing not in drawing.nodes:
                drawing.nodes[missing] = Node(missing, kind, (), Span(model.path))
    for name, report in project.reports.items():
        whole = f"report:{name}"
        text = drawing.text(whole, report_sql[name], report_reads[name], whole)
        drawing.nodes[whole] = Node(whole, "report", (), report.span)
        for table in text.tables:
            drawing.add(table, Node(whole, "report", _names(table), report.span))
    return Atlas(drawing.nodes, drawing.tables, drawing.texts)


class _Drawing:
    def __init__(self, before: Atlas | None) -> None:
        self._before = before.texts if before is not None else {}
        self._columns: dict[str, Columns] = {}
        self.nodes: dict[str, Node] = {}
        self.tables: dict[str, TracedTable] = {}
        self.texts: dict[str, TracedText] = {}

    def source(self, name: str, into: str, fields: Columns, at: Span) -> None:
        """A raw table: each column is the field of the same name, its text converted exactly."""
        whole = f"source:{name}"
        columns = [TracedColumn(field, (Influence(whole, field, IDENTITY),)) for field in fields]
        columns += [TracedColumn(column) for column in LOADED]
        self.nodes[whole] = Node(whole, "source", tuple(fields), at)
        self.add(TracedTable(into, tuple(columns)), Node(into, "table", (*fields, *LOADED), at))
        self._columns[into] = {**fields, **dict.fromkeys(LOADED, "")}

    def text(self, name: str, sql: str, reads: Sequence[str], target: str | None) -> TracedText:
        known = {table: self._columns[table] for table in sorted(reads) if table in self._columns}
        key = fingerprint(
            VERSION, sql, target or "", *((table, *columns.keys(), *columns.values()) for table, columns in known.items())
        )
        found = self._before.get(name)
        if found is None or found.key != key:
            traced = _trace(sql, known)
            found = TracedText(key, _renamed(traced, target), traced.not_analysed)
        self.texts[name] = found
        return found

    def add(self, table: TracedTable, node: Node) -> None:
        name = table.table or node.name
        before = self.tables.get(name)
        self.tables[name] = table if before is None else _both(before, table)
        self.nodes[name] = msgspec.structs.replace(node, columns=_names(self.tables[name]))
        if EVERY not in self.nodes[name].columns:
            self._columns[name] = dict.fromkeys(self.nodes[name].columns, "")


def _trace(sql: str, known: Mapping[str, Columns]) -> Traced:
    from startrail.lineage.trace.script import trace  # the SQL parser, which unchanged texts never need

    return trace(sql, "duckdb", known)


def _renamed(traced: Traced, target: str | None) -> tuple[TracedTable, ...]:
    """A model's SELECT makes the model's table; a script names its tables itself, in any letter case."""
    if target is None:
        return tuple(msgspec.structs.replace(table, table=table.table.lower()) for table in traced.tables if table.table)
    return tuple(msgspec.structs.replace(table, table=target) for table in traced.tables if table.table is None)


def _both(first: TracedTable, second: TracedTable) -> TracedTable:
    """A table that a script fills more than once."""
    columns = {column.name.lower(): column for column in first.columns}
    for column in second.columns:
        before = columns.get(column.name.lower(), TracedColumn(column.name))
        columns[column.name.lower()] = TracedColumn(before.name, (*before.influences, *column.influences))
    return TracedTable(first.table, tuple(columns.values()), (*first.rows, *second.rows))


def _names(table: TracedTable) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column.name for column in table.columns))
