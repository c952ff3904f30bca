"""``startrail contract infer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.contract_files import contract_name, rows, sample_form, sample_options, write_out

if TYPE_CHECKING:
    from startrail.capabilities.contracts.exchange.infer import Inferred
    from startrail.ports.exchange import SampleForm


@click.command("infer")
@click.argument("sample", metavar="FILE|TABLE")
@click.option("--name", help="Name of the contract; default: that of the file or table.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, as contracts/NAME.odcs.yml.")
@click.option("--force", is_flag=True, help="Overwrite the file that --out names.")
@sample_options
@options.common
def command(
    sample: str,
    name: str | None,
    out: Path | None,
    force: bool,
    form: str | None,
    delimiter: str,
    encoding: str,
    records: str,
    root: Path,
    profile_name: str,
    as_json: bool,
) -> int:
    """Write the contract that a sample file or published table keeps.

    Types are what every value says exactly; what is only likely (unique, enum, a key) stands in comments.
    """
    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.odcs_text import odcs

    path = Path(sample)
    is_table = not path.exists() and _is_table(sample)
    chosen = name or contract_name(sample.partition("@")[0].partition(".")[2] if is_table else path.name)
    with Console(as_json) as console:
        if not is_table:
            found = _from_file(path, chosen, sample_form(form, delimiter, encoding, records))
        else:
            found = _from_table(sample, chosen, root, profile_name)
        text = odcs(found.contract, found.notes, status="draft")
        write_out(text, out, console, force=force)
        extent = f"the first {rows(found.rows)}" if found.cut else rows(found.rows)
        passed = f", {found.broken:,} could not be read" if found.broken else ""
        console.say(f"{len(found.contract.fields)} fields from {extent} of {printable(sample)}{passed}")
        for path_out in found.left_out:
            console.say(f"left out: {path_out}")
        if out is not None:
            console.say(f"written to {printable(str(out))}; read its comments, then name it in a source: contract: {chosen}")
        console.result({
            "name": chosen, "fields": len(found.contract.fields), "rows": found.rows, "broken": found.broken,
            "whole": not found.cut, "left_out": found.left_out, "notes": found.notes, "path": str(out) if out else None,
            "text": None if out else text,
        })  # fmt: skip
        return 0


def _is_table(text: str) -> bool:
    from startrail.model.table import TableName

    try:
        TableName.parse(text.partition("@")[0])
    except ValueError:
        return False
    return text.rpartition(".")[2].lower() not in ("csv", "json", "ndjson", "jsonl", "parquet", "gz")


def _from_file(path: Path, name: str, form: SampleForm) -> Inferred:
    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.infer import infer
    from startrail.capabilities.contracts.exchange.typed import infer_parquet
    from startrail.wiring.exchange import samples

    reader = samples()
    origin = printable(path.name)
    if reader.format_of(path, form) == "parquet":
        return infer_parquet(reader.described(path), reader.facts(path), name, origin)
    return infer(reader.texts(path, form), name, origin, null_words=form.dialect.null_words)


def _from_table(table: str, name: str, root: Path, profile_name: str) -> Inferred:
    from startrail.capabilities.contracts.exchange.typed import infer_table
    from startrail.wiring import open_project
    from startrail.wiring.exchange import table_sample

    with open_project(root, profile_name, read_only=True) as opened:
        schema, facts = table_sample(table, opened)
    return infer_table(schema, facts, name, table)
