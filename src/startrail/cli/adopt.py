"""``startrail adopt``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.schedules.adopt import Adopted


@click.command("adopt")
@click.argument("script", type=click.Path(path_type=Path))
@click.option("--cron", "cron", required=True, help='When it runs: five fields, as in "0 6 * * *".')
@click.option("--timezone", default="UTC", show_default=True, help="The zone in which --cron is meant.")
@click.option("--name", help="The model's name; default: scripts.FILE.", metavar="NAMESPACE.NAME")
@click.option("--reads", multiple=True, metavar="TABLE", help="A table that it reads and the parser cannot see.")
@click.option("--writes", multiple=True, metavar="TABLE", help="A table that it leaves and the parser cannot see.")
@options.folder
@options.as_json
def command(
    script: Path,
    cron: str,
    timezone: str,
    name: str | None,
    reads: tuple[str, ...],
    writes: tuple[str, ...],
    root: Path,
    as_json: bool,
) -> int:
    """Take a cron job's SQL script in as it is, with its schedule.

    It becomes a model of kind script, byte for byte below a header, and schedules/NAME.yml says when it runs. The script
    itself stays where it is. Exits with 1 when something about it could not be inferred.
    """
    from startrail.capabilities.schedules.adopt import adopt
    from startrail.wiring import read

    with Console(as_json) as console:
        project = read(root)
        found = adopt(_bytes(script), script.name, project, cron=cron, timezone=timezone, name=name, reads=reads, writes=writes)
        _write(found.files, root)
        _tell(found, console)
        return 1 if found.unknown else 0


def _bytes(script: Path) -> bytes:
    from startrail.capabilities.schedules.errors import BadScript

    try:
        if not script.is_file():
            raise BadScript(f"{script} is not a file", affects="nothing was written", hint="name the script that cron runs")
        with script.open("rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadScript(f"{script} cannot be read: {reason}", affects="nothing was written", hint="check the path") from error


def _write(files: dict[str, bytes], root: Path) -> None:
    """All of them, or none; and none when the project could not be read with them."""
    from startrail.base.errors import StartrailError
    from startrail.capabilities.schedules.errors import AlreadyThere
    from startrail.cli.errors import cannot_write
    from startrail.wiring import read

    for path in files:
        if (root / path).exists():
            raise AlreadyThere(f"{path} is there already", affects="nothing was written", hint="add --name NAMESPACE.NAME")
    written: list[Path] = []
    try:
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("xb") as file:
                written.append(root / path)
                file.write(data)
        read(root)
    except (OSError, StartrailError) as error:
        for each in written:
            each.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(root / path, error) from error
        raise


def _tell(found: Adopted, console: Console) -> None:
    for path in found.files:
        console.item({"type": "file", "path": path}, f"wrote    {path}")
    for table, said in found.reads.items():
        console.item({"type": "reads", "table": table, "note": said}, f"reads    {table}  ({said})")
    for table, said in found.writes.items():
        console.item({"type": "writes", "table": table, "note": said}, f"writes   {table}  ({said})")
    for text in found.unknown:
        console.item({"type": "unknown", "what": text}, f"unknown  {text}")
    console.say("next: startrail plan, then startrail schedule list")
    console.result({"ok": not found.unknown, "model": found.model, "schedule": found.schedule})
