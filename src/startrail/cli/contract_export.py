"""``startrail contract export``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console


@click.command("export")
@click.argument("contract", metavar="NAME|FILE")
@click.option("--to", "form", required=True, type=click.Choice(["json-schema", "avro", "arrow"]), help="The form to write.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--force", is_flag=True, help="Overwrite the file that --out names.")
@options.folder
@options.as_json
def command(contract: str, form: str, out: Path | None, force: bool, root: Path, as_json: bool) -> int:
    """Write a contract as JSON Schema, Avro schema or Arrow schema, and tell item by item what that cannot hold.

    Arrow is written in the JSON form of its integration format.
    """
    import msgspec

    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.translate import Form, export
    from startrail.cli.contract_files import find_contract, say_losses, write_out

    with Console(as_json) as console:
        found = find_contract(contract, root)
        exported = export(found, msgspec.convert(form, Form))
        write_out(exported.text, out, console, force=force)
        say_losses(exported.losses, console)
        if out is not None:
            console.say(f"written to {printable(str(out))}")
        console.result({
            "name": found.name, "form": form, "losses": exported.losses, "path": str(out) if out else None,
            "text": None if out else exported.text,
        })  # fmt: skip
        return 0
