"""Which adapter serves which kind of feed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.model.source import FolderFeed, FtpFeed, FtpsFeed, PostgresFeed, S3Feed, SftpFeed, Source

if TYPE_CHECKING:
    from startrail.adapters.feed.sqs import SqsQueue
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

        keys = {"access_key": secret(feed.access_key), "secret_key": secret(feed.secret_key)}
        if feed.told_by is None:
            return s3.S3Feed(feed, clock, **keys)
        from startrail.adapters.feed import s3_queue

        return s3_queue.S3QueueFeed(feed, clock, open_queue(root, feed), **keys)
    if isinstance(feed, PostgresFeed):
        return _postgres(feed, root)
    from startrail.adapters.feed import http

    token = secret(feed.oauth.client_secret) if feed.oauth is not None else None
    return http.HttpFeed(feed, headers=resolve_headers(feed.headers, root), csv=source.csv, client_secret=token)


def open_queue(root: Path, feed: S3Feed) -> SqsQueue:
    """The queue of an s3 feed that has one."""
    from startrail.adapters.secrets import resolve

    told_by = feed.told_by
    assert told_by is not None
    try:
        from startrail.adapters.feed import sqs
    except ModuleNotFoundError as error:
        from startrail.ports.feed import FeedExtraMissing

        hint = "pip install 'startrail[sqs]'"
        raise FeedExtraMissing("a queue of events needs a package that is not installed", hint=hint) from error
    access, secret = told_by.access_key or feed.access_key, told_by.secret_key or feed.secret_key
    return sqs.SqsQueue(
        told_by,
        feed.region,
        timeout=feed.timeout,
        access_key=resolve(access, root) if access else None,
        secret_key=resolve(secret, root) if secret else None,
    )


def _postgres(feed: PostgresFeed, root: Path) -> Feed:
    from startrail.adapters.secrets import is_reference, resolve

    try:
        from startrail.adapters.feed import postgres
    except ModuleNotFoundError as error:
        from startrail.ports.feed import FeedExtraMissing

        hint = "pip install 'startrail[postgres]'"
        raise FeedExtraMissing("a postgres feed needs a package that is not installed", hint=hint) from error
    return postgres.PostgresFeed(feed, dsn=resolve(feed.dsn, root) if is_reference(feed.dsn) else feed.dsn)
