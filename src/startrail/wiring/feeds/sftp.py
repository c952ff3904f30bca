"""Files on an SSH server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.secrets import resolve
from startrail.model.source import SftpFeed
from startrail.ports.feed import FeedExtraMissing

_PIP = "pip install 'startrail[sftp]'"

if TYPE_CHECKING:
    from startrail.model.source import Source
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed


def open_feed(root: Path, clock: Clock, source: Source) -> Feed:
    feed = source.feed
    assert isinstance(feed, SftpFeed)
    try:
        from startrail.adapters.feed.sftp import feed as sftp
    except ModuleNotFoundError as error:
        raise FeedExtraMissing("an sftp feed needs a package that is not installed", hint=_PIP) from error
    given = {"key": feed.key, "passphrase": feed.passphrase, "password": feed.password}
    secrets = {name: resolve(reference, root) if reference else None for name, reference in given.items()}
    return sftp.SftpFeed(feed, root, clock, **secrets)
