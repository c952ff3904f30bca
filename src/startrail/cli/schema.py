"""``startrail schema``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli.console import Console
from startrail.cli.options import as_json as json_option


@click.command("schema")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write one file per declaration into this folder.")
@json_option
def command(name: str | None, out: Path | None, as_json: bool) -> int:
    """Print the JSON Schemas of all declarations, or of NAME alone, for editors and reviews."""
    import json

    from startrail.base.text import did_you_mean
    from startrail.cli.errors import cannot_write
    from startrail.project.schema import schemas

    found = schemas()
    if name is not None and name not in found:
        raise click.UsageError(f"there is no declaration '{name}'; {did_you_mean(name, found)}")
    chosen = found if name is None else found[name]
    with Console(as_json) as console:
        if out is not None:
            try:
                out.mkdir(parents=True, exist_ok=True)
                for word, schema in found.items():
                    (out / f"{word}.schema.json").write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
            except OSError as error:
                raise cannot_write(out, error) from error
            console.say(f"{len(found)} schemas written to {out}")
            console.result({"files": len(found)})
        elif as_json:
            console.result({"schemas": chosen})
        else:
            click.echo(json.dumps(chosen, indent=2))
    return 0
