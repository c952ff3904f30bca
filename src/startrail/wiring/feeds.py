"""Which adapter serves which kind of feed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.model.source import FolderFeed, FtpFeed, FtpsFeed, PostgresFeed, S3Feed, SftpFeed, Source

if TYPE_CHECKING:
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed

_PIP_SFTP = "pip install 'startrail[sftp]'"


def open_feed(root: Path, clock: Clock, source: Source) -> Feed:
    """The feed of a source, its secrets resolved. Nothing is connected yet."""
    from startrail.adapters.secrets import resolve, resolve_headers

    def secret(reference: str | None) -> str | None:
        return resolve(reference, root) if reference else None

    feed = source.feed
    if isinstance(feed, FolderFeed):
        from startrail.adapters.feed import folder

        return folder.FolderFeed(feed, root, clock)
    if isinstance(feed, (FtpFeed, FtpsFeed)):
        from startrail.adapters.feed import ftp

        return ftp.FtpFeed(feed, clock, password=secret(feed.password), project=root)
    if isinstance(feed, SftpFeed):
        try:
            from startrail.adapters.feed import sftp
        except ModuleNotFoundError as error:
            from startrail.ports.feed import FeedExtraMissing

            raise FeedExtraMissing("an sftp feed needs a package that is not installed", hint=_PIP_SFTP) from error
        secrets = {"key": secret(feed.key), "passphrase": secret(feed.passphrase), "password": secret(feed.password)}
        return sftp.SftpFeed(feed, root, clock, **secrets)
    if isinstance(feed, S3Feed):
        from startrail.adapters.feed import s3

        return s3.S3Feed(feed, clock, access_key=secret(feed.access_key), secret_key=secret(feed.secret_key))
    if isinstance(feed, PostgresFeed):
        return _postgres(feed, root)
    from startrail.adapters.feed import http

    token = secret(feed.oauth.client_secret) if feed.oauth is not None else None
    return http.HttpFeed(feed, headers=resolve_headers(feed.headers, root), csv=source.csv, client_secret=token)


def _postgres(feed: PostgresFeed, root: Path) -> Feed:
    from startrail.adapters.secrets import is_reference, resolve

    try:
        from startrail.adapters.feed import postgres
    except ModuleNotFoundError as error:
        from startrail.ports.feed import FeedExtraMissing

        hint = "pip install 'startrail[postgres]'"
        raise FeedExtraMissing("a postgres feed needs a package that is not installed", hint=hint) from error
    return postgres.PostgresFeed(feed, dsn=resolve(feed.dsn, root) if is_reference(feed.dsn) else feed.dsn)
