"""Files on an FTP server, also over TLS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.feed.ftp import feed as ftp
from startrail.adapters.secrets import resolve
from startrail.model.source import FtpFeed, FtpsFeed

if TYPE_CHECKING:
    from startrail.model.source import Source
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed


def open_feed(root: Path, clock: Clock, source: Source) -> Feed:
    feed = source.feed
    assert isinstance(feed, FtpFeed | FtpsFeed)
    return ftp.FtpFeed(feed, clock, password=resolve(feed.password, root) if feed.password else None, project=root)
