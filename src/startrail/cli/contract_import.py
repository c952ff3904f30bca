"""``startrail contract import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.contracts.exchange.losses import Imported


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from", "form", required=True, type=click.Choice(["json-schema", "avro", "parquet", "arrow"]), help="What the file is."
)
@click.option("--name", help="Name of the contract; default: that of the file.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, as contracts/NAME.odcs.yml.")
@click.option("--force", is_flag=True, help="Overwrite the file that --out names.")
@options.as_json
def command(file: Path, form: str, name: str | None, out: Path | None, force: bool, as_json: bool) -> int:
    """Write the contract that a JSON Schema, Avro schema or Parquet file describes, and tell what it cannot hold."""
    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.odcs_text import odcs
    from startrail.cli.contract_files import contract_name, say_losses, write_out

    chosen = name or contract_name(file.name)
    with Console(as_json) as console:
        imported = _imported(file, form, chosen)
        losses = imported.losses
        text = odcs(imported.contract, {"$": (f"Imported from {printable(file.name)} ({form}).", *map(str, losses))})
        write_out(text, out, console, force=force)
        say_losses(losses, console)
        console.say(f"{len(imported.contract.fields)} fields from {printable(file.name)}")
        if out is not None:
            console.say(f"written to {printable(str(out))}")
        console.result({
            "name": chosen, "fields": len(imported.contract.fields), "losses": losses, "path": str(out) if out else None,
            "text": None if out else text,
        })  # fmt: skip
        return 0


def _imported(file: Path, form: str, name: str) -> Imported:
    import msgspec

    from startrail.capabilities.contracts.exchange.translate import Form, import_
    from startrail.cli.contract_files import read_schema_file
    from startrail.wiring.exchange import samples

    if form == "parquet":
        return import_(samples().described(file), "arrow", name)
    data = read_schema_file(file)
    if form == "avro" and data.startswith(b"Obj"):
        return import_(samples().avro_schema(file), "avro", name)
    return import_(data, msgspec.convert(form, Form), name)
