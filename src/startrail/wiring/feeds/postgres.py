"""Rows of a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.secrets import is_reference, resolve
from startrail.model.source import PostgresFeed
from startrail.ports.feed import FeedExtraMissing

_PIP = "pip install 'startrail[postgres]'"

if TYPE_CHECKING:
    from startrail.model.source import Source
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed


def open_feed(root: Path, _clock: Clock, source: Source) -> Feed:
    feed = source.feed
    assert isinstance(feed, PostgresFeed)
    try:
        from startrail.adapters.feed import postgres
    except ModuleNotFoundError as error:
        raise FeedExtraMissing("a postgres feed needs a package that is not installed", hint=_PIP) from error
    return postgres.PostgresFeed(feed, dsn=resolve(feed.dsn, root) if is_reference(feed.dsn) else feed.dsn)
