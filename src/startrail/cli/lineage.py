"""``startrail lineage``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.lineage.walk import Direction, Map, Tree
    from startrail.model.lineage import ColumnName, Traced


@click.command("lineage")
@click.argument("name", required=False, metavar="[COLUMN|TABLE|SOURCE|REPORT]")
@click.option("--up", "up", is_flag=True, help="Only what it comes from.")
@click.option("--down", "down", is_flag=True, help="Only what it feeds.")
@click.option("--hops", type=click.IntRange(1), help="How many steps; default: all for a column, one for anything else.")
@click.option("--direct", is_flag=True, help="Only what the values are made of, not what filters, joins or groups them.")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart.")
@click.option("--openlineage", is_flag=True, help="Print OpenLineage datasets with their columnLineage facet.")
@click.option(
    "--sql", "sql", type=click.Path(path_type=Path), help="Analyse this file instead of the project; - is standard input."
)
@click.option("--dialect", default="duckdb", show_default=True, help="The SQL dialect of --sql.")
@click.option("--schema", "schema", type=click.Path(path_type=Path), help='JSON for --sql: {"table": {"column": "type"}}.')
@options.common
def command(
    name: str | None,
    up: bool,
    down: bool,
    hops: int | None,
    direct: bool,
    mermaid: bool,
    openlineage: bool,
    sql: Path | None,
    dialect: str,
    schema: Path | None,
    root: Path,
    profile_name: str,
    as_json: bool,
) -> int:
    """Show where a column comes from and what it feeds, in the project or in any SQL file.

    Each line says how: identity, transformation and aggregation make the value; join, filter, group_by, sort, window
    and conditional decide about it.
    """
    if sql is not None:
        if name is not None or up or down or openlineage:
            raise click.UsageError("--sql analyses a file; leave out the name, --up, --down and --openlineage")
        return _file(sql, dialect, schema, direct, mermaid, as_json)
    if name is None and not openlineage:
        raise click.UsageError("name a column, table, source or report of the project, or give --sql FILE")
    return _project(name, _directions(up, down), hops, direct, mermaid, openlineage, root, profile_name, as_json)


# -- a file ------------------------------------------------------------------------------------------------
def _file(sql: Path, dialect: str, schema: Path | None, direct: bool, mermaid: bool, as_json: bool) -> int:
    from startrail.lineage.trace.texts import trace_text

    found = trace_text(_bytes(sql), "the text" if str(sql) == "-" else str(sql), dialect, _bytes(schema) if schema else None)
    edges = [*dict.fromkeys(edge for table in found.tables for edge in table.edges() if edge.kind == "direct" or not direct)]
    if mermaid:
        from startrail.lineage.formats import mermaid as draw

        click.echo(draw(edges))
    elif as_json:
        import msgspec

        # One document, not events: the answer to one question, for other programs.
        answer = {"edges": edges, "not_analysed": found.not_analysed}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer), indent=1).decode() + "\n")
    else:
        for edge in edges:
            click.echo(f"{edge.target} <- {edge.source}  {edge.subtype}")
    _tell_gaps(found, str(sql))
    return 0


def _tell_gaps(found: Traced, name: str) -> None:
    for gap in found.not_analysed:
        click.echo(f"not analysed: {name}:{gap.line}:{gap.column} statement {gap.statement}: {gap.reason}", err=True)


def _bytes(path: Path) -> bytes:
    from startrail.lineage.errors import UnreadableSql

    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UnreadableSql(f"{path} cannot be read: {reason}", hint="name a text file") from error


# -- the project -------------------------------------------------------------------------------------------
def _directions(up: bool, down: bool) -> tuple[Direction, ...]:
    return ("up",) if up and not down else ("down",) if down and not up else ("up", "down")


def _project(
    name: str | None,
    directions: tuple[Direction, ...],
    hops: int | None,
    direct: bool,
    mermaid: bool,
    openlineage: bool,
    root: Path,
    profile_name: str,
    as_json: bool,
) -> int:
    from startrail.lineage.walk import Map
    from startrail.wiring.lineage import project_lineage

    if openlineage or mermaid:
        project, atlas = project_lineage(root, profile_name)
        chart = Map(atlas)
        columns = chart.find(name) if name is not None else tuple(column for table in atlas.nodes for column in chart.find(table))
        click.echo(_datasets(chart, columns, project.name) if openlineage else _drawing(chart, columns, directions, hops, direct))
        return 0
    with Console(as_json) as console:
        project, atlas = project_lineage(root, profile_name)
        chart = Map(atlas)
        columns = chart.find(name or "")
        steps = hops or (None if len(columns) == 1 and not _is_node(name or "", chart) else 1)
        if as_json:
            _as_events(chart, columns, directions, steps, direct, console)
            return 0
        for direction in directions:
            for column in columns:
                tree = chart.tree(column, direction, steps)
                if _shown(tree, direct) or len(directions) == 1:
                    _print_tree(tree, direction, direct, chart)
        _tell_project_gaps(chart, console)
        return 0


def _is_node(name: str, chart: Map) -> bool:
    return any(each.lower() in (name.lower(), f"source:{name.lower()}", f"report:{name.lower()}") for each in chart.atlas.nodes)


def _as_events(
    chart: Map,
    columns: tuple[ColumnName, ...],
    directions: Iterable[Direction],
    steps: int | None,
    direct: bool,
    console: Console,
) -> None:
    import msgspec

    count = 0
    for direction in directions:
        for depth, edge in chart.edges(columns, direction, steps):
            if edge.kind == "direct" or not direct:
                console.item({"type": "edge", "direction": direction, "hops": depth} | msgspec.to_builtins(edge), "")
                count += 1
    gaps = {name: text.not_analysed for name, text in chart.atlas.texts.items() if text.not_analysed}
    for model, found in gaps.items():
        for gap in found:
            console.item({"type": "not_analysed", "model": model} | msgspec.to_builtins(gap), "")
    console.result({"ok": True, "edges": count, "columns": [str(column) for column in columns]})


def _print_tree(tree: Tree, direction: Direction, direct: bool, chart: Map) -> None:
    node = chart.atlas.nodes.get(tree.column.table or "")
    says = "comes from" if direction == "up" else "feeds"
    branches = _shown(tree, direct)
    place = f"  ({node.at.file})" if node is not None and node.at is not None else ""
    click.echo(f"{tree.column} {says}{place}" if branches else f"{tree.column} {says} nothing{place}")
    waiting = [(branch, "", place == len(branches) - 1) for place, branch in enumerate(branches)][::-1]
    while waiting:
        branch, indent, last = waiting.pop()
        more = "  (see above or below)" if branch.repeated else ""
        click.echo(f"{indent}{'└─' if last else '├─'} {branch.column}  {', '.join(branch.subtypes)}{more}")
        inner = _shown(branch, direct)
        deeper = indent + ("   " if last else "│  ")
        waiting += [(each, deeper, place == len(inner) - 1) for place, each in enumerate(inner)][::-1]


def _shown(tree: Tree, direct: bool) -> list[Tree]:
    made = ("identity", "transformation", "aggregation")
    return [branch for branch in tree.branches if not direct or branch.subtypes[0] in made]


def _tell_project_gaps(chart: Map, console: Console) -> None:
    gaps = [(name, gap) for name, text in chart.atlas.texts.items() for gap in text.not_analysed]
    for name, gap in gaps[:20]:
        node = chart.atlas.nodes.get(name)
        file = node.at.file if node is not None and node.at is not None else name
        console.say(f"not analysed: {name} ({file}): {gap.reason}: {gap.text}")
    if len(gaps) > 20:
        console.say(f"and {len(gaps) - 20} more places; all: --json")


def _datasets(chart: Map, columns: tuple[ColumnName, ...], project: str) -> str:
    import msgspec

    from startrail.lineage.formats import open_lineage

    tables = dict.fromkeys(column.table or "" for column in columns)
    found = open_lineage(chart.atlas, tables, f"startrail://{project}")
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode()


def _drawing(chart: Map, columns: tuple[ColumnName, ...], directions: Iterable[Direction], hops: int | None, direct: bool) -> str:
    from startrail.lineage.formats import mermaid

    edges = [
        edge
        for direction in directions
        for _, edge in chart.edges(columns, direction, hops)
        if edge.kind == "direct" or not direct
    ]
    return mermaid(edges)
