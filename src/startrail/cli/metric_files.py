"""Files that the exchange of metrics reads and writes; nothing is overwritten unless asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.metrics.exchange.losses import Loss

_MOST = 64 << 20


def read_file(path: Path) -> bytes:
    """At most 64 MiB. Raises NotAManifest."""
    from startrail.base.text import printable
    from startrail.capabilities.metrics.exchange.errors import NotAManifest

    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise NotAManifest(f"{printable(str(path))} cannot be read: {reason}", hint="check the path") from error
    if len(data) > _MOST:
        raise NotAManifest(f"{printable(str(path))} is larger than 64 MiB", hint="give the manifest of one project")
    return data


def write_files(texts: Mapping[str, str], folder: Path, *, force: bool) -> None:
    """All of them, or none when one is there already. Raises MetricThere, BadOutput."""
    from startrail.base.text import printable
    from startrail.capabilities.metrics.exchange.errors import MetricThere
    from startrail.cli.errors import cannot_write

    there = [path for path in texts if (folder / path).exists()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise MetricThere(f"{printable(str(folder / there[0]))} is there already{more}", hint="add --force, --prefix or --out")
    for path, text in texts.items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise cannot_write(target, error) from error


def say_losses(losses: Iterable[Loss], console: Console) -> None:
    """Every loss on a line of its own."""
    losses = tuple(losses)
    if losses:
        console.say(f"{len(losses)} {'thing is' if len(losses) == 1 else 'things are'} lost:")
    for loss in losses:
        console.say(f"  {loss}")
