"""Objects in a bucket, listed or told of by a queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.feed.s3 import feed as s3
from startrail.adapters.secrets import resolve
from startrail.model.source import S3Feed
from startrail.ports.feed import FeedExtraMissing

_PIP = "pip install 'startrail[sqs]'"

if TYPE_CHECKING:
    from startrail.adapters.feed.custody import Messages
    from startrail.adapters.feed.s3.queue import S3QueueFeed
    from startrail.adapters.feed.s3.sqs import SqsQueue
    from startrail.model.source import Source
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed


def open_feed(root: Path, clock: Clock, source: Source) -> Feed:
    feed = source.feed
    assert isinstance(feed, S3Feed)
    access, secret = keys(root, feed)
    if feed.told_by is None:
        return s3.S3Feed(feed, clock, access_key=access, secret_key=secret)
    from startrail.adapters.feed.s3 import queue as s3_queue

    told = s3_queue.S3QueueFeed(feed, clock, open_queue(root, feed), access_key=access, secret_key=secret)
    return _as_wanted(told, source)


def open_told(root: Path, clock: Clock, source: Source, messages: Messages) -> Feed:
    """The objects that these messages tell of, and no others."""
    from startrail.adapters.feed.s3 import queue as s3_queue

    assert isinstance(source.feed, S3Feed)
    access, secret = keys(root, source.feed)
    told = s3_queue.S3QueueFeed(source.feed, clock, messages, access_key=access, secret_key=secret, sweeps=False)
    return _as_wanted(told, source)


def _as_wanted(told: S3QueueFeed, source: Source) -> Feed:
    """Where a file takes the place of the one before, an older version that is told of late must not do so."""
    if source.on_replace == "replace":
        told.only_newest()
    return told


def keys(root: Path, feed: S3Feed) -> tuple[str | None, str | None]:
    """Of the bucket: who asks, and the secret."""
    access, secret = feed.access_key, feed.secret_key
    return resolve(access, root) if access else None, resolve(secret, root) if secret else None


def open_queue(root: Path, feed: S3Feed) -> SqsQueue:
    """The queue of an s3 feed that has one."""
    told_by = feed.told_by
    assert told_by is not None
    try:
        from startrail.adapters.feed.s3 import sqs
    except ModuleNotFoundError as error:
        raise FeedExtraMissing("a queue of events needs a package that is not installed", hint=_PIP) from error
    access, secret = told_by.access_key or feed.access_key, told_by.secret_key or feed.secret_key
    return sqs.SqsQueue(
        told_by,
        feed.region,
        timeout=feed.timeout,
        access_key=resolve(access, root) if access else None,
        secret_key=resolve(secret, root) if secret else None,
    )
