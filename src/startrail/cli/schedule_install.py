"""``startrail schedule install``."""

from __future__ import annotations

import getpass
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.schedules.glue import Place
    from startrail.model.profile import Profile
    from startrail.model.project import Project


@click.command("install")
@options.folder
@options.profile
@options.as_json
@click.option("--target", type=click.Choice(["systemd", "cron", "k8s", "github"]), required=True, help="What starts Startrail.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the files here; default: print them.")
@click.option("--image", help="For k8s: the image that holds the project and Startrail.")
def command(
    root: Path,
    profile_name: str,
    as_json: bool,
    target: Literal["systemd", "cron", "k8s", "github"],
    out: Path | None,
    image: str | None,
) -> int:
    """Write what makes schedules run: systemd, cron, Kubernetes or GitHub.

    The files only start Startrail; what is due when stands in the project. Nothing is installed, and nothing overwritten.
    """
    from startrail.capabilities.schedules.glue import glue
    from startrail.wiring import read
    from startrail.wiring.ports import profile_of

    with Console(as_json) as console:
        project = read(root)
        profile = profile_of(project, profile_name)
        _require_schedules(project)
        made = glue(target, _place(project, profile_name, image))
        if out is not None:
            _write(made.files, out)
        for name, text in made.files.items():
            said = f"wrote {out / name}" if out is not None else f"# file: {name}\n{text}".rstrip()
            console.item({"type": "file", "path": name, "text": text}, said)
        if target in ("k8s", "github"):
            _warn(profile_name, profile, console)
        console.say("next:\n" + "\n".join(f"  {line}" for line in made.next))
        console.result({"ok": True, "files": len(made.files), "next": made.next})
        return 0


def _require_schedules(project: Project) -> None:
    from startrail.capabilities.schedules.errors import NoSchedule
    from startrail.capabilities.schedules.standing import standing

    if not standing(project):
        raise NoSchedule(
            "this project schedules nothing", affects="nothing was written", hint="write schedules/NAME.yml with a cron:"
        )


def _place(project: Project, profile_name: str, image: str | None) -> Place:
    from startrail.capabilities.schedules.glue import Place

    beside = Path(sys.executable).parent / "startrail"
    program = str(beside) if beside.exists() else shutil.which("startrail") or "startrail"
    return Place(project.name, project.root, program, profile_name, getpass.getuser(), image)


def _write(files: dict[str, str], out: Path) -> None:
    from startrail.capabilities.schedules.errors import AlreadyThere
    from startrail.cli.errors import cannot_write

    for name in files:
        if (out / name).exists():
            raise AlreadyThere(f"{out / name} is there already", affects="nothing was written", hint="give another --out")
    for name, text in files.items():
        try:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise cannot_write(out / name, error) from error


def _warn(profile_name: str, profile: Profile, console: Console) -> None:
    from startrail.model.profile import LocalStore, SqliteLedger

    local = [
        what
        for what, here in (
            ("ledger", isinstance(profile.ledger, SqliteLedger)),
            ("store", isinstance(profile.store, LocalStore)),
        )
        if here
    ]
    if local:
        console.say(
            f"warning: profile '{profile_name}' keeps its {' and '.join(local)} in files, which go with the container;"
            " use a profile with a PostgreSQL ledger and an S3 store"
        )
