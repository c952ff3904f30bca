"""``startrail metric import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.metrics.exchange.losses import Imported


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "form", required=True, type=click.Choice(["metricflow", "ossie"]), help="What the file is.")
@click.option("--prefix", default="", metavar="NAMESPACE", help="Put the metrics under this namespace: NAMESPACE.name.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write one file per metric here, as in metrics/.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@options.as_json
def command(file: Path, form: str, prefix: str, out: Path | None, force: bool, as_json: bool) -> int:
    """Write metrics from a MetricFlow manifest (semantic_manifest.json) or an Apache Ossie document, and tell what is lost."""
    from startrail.base.text import printable
    from startrail.capabilities.metrics.exchange.declaration import declaration, path_of
    from startrail.cli.metric_files import say_losses, write_files

    with Console(as_json) as console:
        imported = _imported(file, form, prefix)
        origin = f"Imported from {printable(file.name)} ({form})."
        texts = {
            path_of(metric): declaration(
                metric, (origin, *(str(loss) for loss in imported.losses if metric.name.endswith(loss.metric)))
            )
            for metric in imported.metrics
        }
        if out is not None:
            write_files(texts, out, force=force)
        elif not as_json:
            click.echo("\n".join(f"# metrics/{path}\n{text}" for path, text in texts.items()), nl=False)
        say_losses(imported.losses, console)
        console.say(f"{len(texts)} {'metric' if len(texts) == 1 else 'metrics'} from {printable(file.name)}")
        if out is not None:
            console.say(f"written to {printable(str(out))}; next: startrail metric list")
        console.result({
            "metrics": [metric.name for metric in imported.metrics], "losses": imported.losses,
            "path": str(out) if out else None, "texts": None if out else texts,
        })  # fmt: skip
        return 0 if texts else 1


def _imported(file: Path, form: str, prefix: str) -> Imported:
    from startrail.cli.metric_files import read_file

    data = read_file(file)
    if form == "metricflow":
        from startrail.capabilities.metrics.exchange.metricflow_in import import_metricflow

        return import_metricflow(data, file.name, prefix)
    from startrail.capabilities.metrics.exchange.ossie_in import import_ossie

    return import_ossie(data, file.name, prefix)
