"""Which adapter serves which kind of feed: one module per kind, imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.model.source import Source

if TYPE_CHECKING:
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed

_SHARED = {"ftps": "ftp"}


def open_feed(root: Path, clock: Clock, source: Source) -> Feed:
    """The feed of a source, its secrets resolved. Nothing is connected yet."""
    return import_module(home(source)).open_feed(root, clock, source)


def home(source: Source) -> str:
    """Name of the module that opens feeds of this kind."""
    kind = str(source.feed.__struct_config__.tag)
    return f"startrail.wiring.feeds.{_SHARED.get(kind, kind)}"
