"""``startrail query``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("query")
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="How to print the rows.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file; needed for parquet.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="Rows at most, for table and json.")
@options.common
def command(sql: str, form: str, out: Path | None, limit: int, root: Path, profile_name: str, as_json: bool) -> int:
    """Run a SELECT over published tables: marts.sales, marts.sales@SNAPSHOT, marts.sales@failed. Reads only."""
    from startrail.cli.errors import cannot_write
    from startrail.cli.rows import write_rows
    from startrail.flow.read import published
    from startrail.flow.workspace import Workspace

    if form == "parquet" and out is None:
        raise click.UsageError("--format parquet needs --out FILE")
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        ports = opened.ports
        query = published(sql, Workspace(ports.ledger, ports.tables), ports.ledger, ports.tables())
        if out is not None and form in ("csv", "parquet"):
            try:
                count = ports.warehouse().export(query, out, form)
            except OSError as error:
                raise cannot_write(out, error) from error
            console.say(f"{count:,} rows written to {out}")
            console.result({"rows": count, "path": str(out)})
            return 0
        rows = ports.warehouse().fetch(query, limit)
        write_rows(rows, "json" if as_json else form, console)
        return 0
