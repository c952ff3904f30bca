"""Files in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.feed import folder
from startrail.model.source import FolderFeed

if TYPE_CHECKING:
    from startrail.model.source import Source
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed


def open_feed(root: Path, clock: Clock, source: Source) -> Feed:
    assert isinstance(source.feed, FolderFeed)
    return folder.FolderFeed(source.feed, root, clock)
