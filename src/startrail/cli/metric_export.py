"""``startrail metric export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.metrics.exchange.losses import Exported
    from startrail.model.project import Project


@click.command("export")
@click.argument("metrics", nargs=-1)
@click.option("--to", "form", required=True, type=click.Choice(["metricflow", "ossie"]), help="The form to write.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--force", is_flag=True, help="Overwrite the file that --out names.")
@options.folder
@options.as_json
def command(metrics: tuple[str, ...], form: str, out: Path | None, force: bool, root: Path, as_json: bool) -> int:
    """Write all metrics, or those named, for another tool, and tell item by item what that cannot hold.

    A metric whose number would be another one there is left out, and named.
    """
    from startrail.base.text import printable
    from startrail.cli.metric_files import say_losses, write_files
    from startrail.wiring import read

    with Console(as_json) as console:
        exported = _exported(read(root), metrics, form)
        if out is not None and exported.metrics:
            write_files({out.name: exported.text}, out.parent, force=force)
        elif not as_json:
            click.echo(exported.text, nl=False)
        say_losses(exported.losses, console)
        console.say(f"{exported.metrics} {'metric' if exported.metrics == 1 else 'metrics'} exported")
        if out is not None and exported.metrics:
            console.say(f"written to {printable(str(out))}")
        console.result({
            "metrics": exported.metrics, "losses": exported.losses, "path": str(out) if out else None,
            "text": None if out else exported.text,
        })  # fmt: skip
        return 0 if exported.metrics else 1


def _exported(project: Project, names: tuple[str, ...], form: str) -> Exported:
    from startrail.capabilities.metrics.dictionary import find

    chosen = [find(name, project.metrics) for name in names] if names else list(project.metrics.values())
    if form == "metricflow":
        from startrail.capabilities.metrics.exchange.metricflow_out import export_metricflow

        return export_metricflow(chosen)
    from startrail.capabilities.metrics.exchange.ossie_out import export_ossie

    return export_ossie(chosen, project.name)
