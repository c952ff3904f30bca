"""``startrail contract check``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console

_MODES = ["BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE", "NONE"]
_TYPES = ["AVRO", "JSON", "PROTOBUF", "ODCS"]


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="OLD... NEW", type=click.Path(path_type=Path))
@click.option(
    "--mode", type=click.Choice(_MODES, case_sensitive=False), default="BACKWARD", show_default=True, help="Who reads whose data."
)
@click.option(
    "--type", "kind", type=click.Choice(_TYPES, case_sensitive=False), help="The schema language; default: from name and content."
)
@click.option("--ref", "refs", multiple=True, metavar="NAME=FILE", help="A schema that the others refer to by NAME.")
@click.option("--lenient", is_flag=True, help="Undeclared JSON properties do not occur; Protobuf removals need no reserved.")
@options.as_json
def command(files: tuple[Path, ...], mode: str, kind: str | None, refs: tuple[str, ...], lenient: bool, as_json: bool) -> int:
    """Say whether the schema NEW may follow OLD; of several OLD, the oldest comes first.

    BACKWARD: NEW reads the data of the last OLD. FORWARD: the last OLD reads the data of NEW. FULL: both. With _TRANSITIVE
    every OLD counts. Exits with 1 when it may not, and with 2 when a file cannot be read.
    """
    from startrail.base.text import printable
    from startrail.wiring.compatibility import compatible, infer_type, read_schema

    if len(files) < 2:
        raise click.UsageError("name the old schema, then the new one")
    with Console(as_json) as console:
        texts = [read_schema(path) for path in files]
        chosen = kind or infer_type(list(zip(files, texts, strict=True)))
        given = dict(_ref(each) for each in refs)
        known = {name: read_schema(path) for name, path in given.items()}
        found = compatible(texts[:-1], texts[-1], mode, chosen, known, known, lenient)
        for each in found:
            text = (
                f"{each.kind:<26} {printable(each.path) or '(whole)'}\n"
                f"{'':<26} {printable(each.message, 600)}\n"
                f"{'':<26} to do: {printable(each.change, 400)}"
            )
            if len(files) > 2:
                text += f"\n{'':<26} against {printable(str(files[each.version]))}"
            console.item({"type": "incompatibility"} | {name: getattr(each, name) for name in each.__struct_fields__}, text)
        count = f"{len(found)} reason{'s' if len(found) > 1 else ''}"
        console.say(f"{files[-1].name}: {f'not {mode} compatible, {count}' if found else f'{mode} compatible'} ({chosen})")
        console.result({"ok": not found, "incompatibilities": len(found), "mode": mode, "schema_type": chosen})
        return 1 if found else 0


def _ref(text: str) -> tuple[str, Path]:
    name, sign, path = text.partition("=")
    if not sign or not name or not path:
        raise click.UsageError(f"--ref takes NAME=FILE, not '{text}'")
    return name, Path(path)
