"""Records and files of an HTTP server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.secrets import resolve, resolve_headers
from startrail.model.source import HttpFeed

if TYPE_CHECKING:
    from startrail.model.source import Source
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed


def open_feed(root: Path, _clock: Clock, source: Source) -> Feed:
    feed = source.feed
    assert isinstance(feed, HttpFeed)
    token = resolve(feed.oauth.client_secret, root) if feed.oauth is not None else None
    headers = resolve_headers(feed.headers, root)
    if feed.names_files:
        from startrail.adapters.feed.http.files import HttpFilesFeed

        return HttpFilesFeed(feed, headers=headers, csv=source.csv, client_secret=token)
    from startrail.adapters.feed.http.pages import HttpFeed as HttpPagesFeed

    return HttpPagesFeed(feed, headers=headers, csv=source.csv, client_secret=token)
