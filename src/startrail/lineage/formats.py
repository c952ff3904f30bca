"""Lineage in the forms of other tools: Mermaid, OpenLineage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from startrail.lineage.atlas import Atlas
from startrail.model.lineage import Edge, Influence, TracedTable

PRODUCER = "https://github.com/startrail/startrail"
_FACET = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"


def mermaid(edges: Iterable[Edge]) -> str:
    """A flowchart: a box per table with its columns; full lines for direct edges, dotted ones for indirect."""
    listed = [*dict.fromkeys(edges)]
    columns: dict[str, dict[str, str]] = {}
    for edge in listed:
        for name in (edge.source, edge.target):
            inside = columns.setdefault(name.table or "result", {})
            inside.setdefault(name.column, f"c{sum(map(len, columns.values()))}")
    lines = ["flowchart LR"]
    for number, (table, inside) in enumerate(columns.items()):
        lines += [f'  subgraph t{number}["{_label(table)}"]']
        lines += [f'    {key}["{_label(column)}"]' for column, key in inside.items()]
        lines += ["  end"]
    drawn: dict[tuple[str, str, str], list[str]] = {}
    for edge in listed:
        ends = (
            columns[edge.source.table or "result"][edge.source.column],
            columns[edge.target.table or "result"][edge.target.column],
        )
        drawn.setdefault((*ends, edge.kind), []).append(edge.subtype)
    for (source, target, kind), subtypes in drawn.items():
        words = ", ".join(subtypes)
        lines.append(f"  {source} -->|{words}| {target}" if kind == "direct" else f"  {source} -.->|{words}| {target}")
    return "\n".join(lines)


def open_lineage(atlas: Atlas, tables: Iterable[str], namespace: str) -> list[dict[str, Any]]:
    """Datasets with the facet ``columnLineage``; what decides about whole rows stands once, under ``dataset``."""

    def named(table: str) -> tuple[str, str]:
        return namespace, table

    found = [(name, atlas.tables[name]) for name in tables if name in atlas.tables]
    return [
        {"namespace": namespace, "name": name, "facets": {"columnLineage": column_lineage(table, named)}} for name, table in found
    ]


def column_lineage(table: TracedTable, named: Callable[[str], tuple[str, str]]) -> dict[str, Any]:
    """The facet ``columnLineage`` of one table; ``named`` gives a table's namespace and name as a dataset."""
    fields = {
        column.name: {"inputFields": [_input(each, named) for each in column.influences]}
        for column in table.columns
        if column.influences
    }
    facet: dict[str, Any] = {"_producer": PRODUCER, "_schemaURL": _FACET, "fields": fields}
    if table.rows:
        facet["dataset"] = [_input(each, named) for each in table.rows]
    return facet


def _input(each: Influence, named: Callable[[str], tuple[str, str]]) -> dict[str, Any]:
    namespace, name = named(each.table)
    return {
        "namespace": namespace,
        "name": name,
        "field": each.column,
        "transformations": [
            {"type": kind.upper(), "subtype": subtype.upper(), "description": "", "masking": False}
            for kind, subtype in each.subtypes()
        ],
    }


def _label(text: str) -> str:
    return text.replace('"', "#quot;").replace("\n", " ")
