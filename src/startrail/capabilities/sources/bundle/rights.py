"""What a function may: exactly what its source and its target take, on exactly these things.

Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3" and for Amazon SQS.
"""

from __future__ import annotations

import re

import msgspec

from startrail.model.bundle import Bundle
from startrail.model.source import S3Events, S3Feed

PARTITION = "${data.aws_partition.current.partition}"
_ADDRESS = re.compile(
    r"https://sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<account>\d{12})/(?P<name>[\w-]{1,80}(?:\.fifo)?)/?"
)


class Right(msgspec.Struct, frozen=True):
    """One statement. ``condition``: operator, key and values."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: tuple[str, str, tuple[str, ...]] | None = None


def rights(bundle: Bundle) -> tuple[Right, ...]:
    """Of the function on other people's things; what Terraform makes beside it is not among them."""
    return (*_reading(bundle), *_writing(bundle), *_queue(bundle))


def queue_arn(told_by: S3Events) -> str | None:
    """The name of a queue in Amazon's own form; None when its address is none of Amazon's."""
    match = _ADDRESS.fullmatch(told_by.queue)
    return f"arn:{PARTITION}:sqs:{match['region']}:{match['account']}:{match['name']}" if match else None


def bucket_arn(bucket: str, prefix: str | None = None) -> str:
    """A bucket, or with a prefix (also an empty one) the objects under it."""
    inner = "" if prefix is None else "/" + "/".join(part for part in (prefix.strip("/"), "*") if part)
    return f"arn:{PARTITION}:s3:::{bucket}{inner}"


def _reading(bundle: Bundle) -> tuple[Right, ...]:
    feed = bundle.source.feed
    if not isinstance(feed, S3Feed) or feed.endpoint is not None or feed.access_key is not None:
        return ()  # other servers know nothing of the role, and who has keys does not ask with it
    actions = ("s3:GetObject",) if feed.told_by is None else ("s3:GetObject", "s3:GetObjectVersion")
    return (
        _listing("ListSource", feed.bucket, feed.prefix),
        Right("ReadSource", actions, (bucket_arn(feed.bucket, feed.prefix),)),
    )


def _writing(bundle: Bundle) -> tuple[Right, ...]:
    store = bundle.store
    if store.endpoint is not None or store.access_key is not None:
        return ()
    prefix = store.prefix.strip("/")
    aside = bucket_arn(store.bucket, f"{prefix}/.scratch")
    if bundle.mode == "land":
        written = (bucket_arn(store.bucket, f"{prefix}/landing"), aside)
        removed: tuple[str, ...] = (aside,)
    else:
        written = (bucket_arn(store.bucket, prefix),)
        removed = (aside, bucket_arn(store.bucket, f"{prefix}/.startrail/{bundle.source.name}"))
    return (
        _listing("ListTarget", store.bucket, prefix),
        Right("WriteTarget", ("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"), written),
        Right("TidyTarget", ("s3:DeleteObject",), removed),
    )


def _listing(sid: str, bucket: str, prefix: str) -> Right:
    """Without the right to list, S3 says of a missing object that it is forbidden. That question carries no prefix, so the
    condition holds only where there is one to compare."""
    prefix = prefix.strip("/")
    condition = ("StringLikeIfExists", "s3:prefix", (f"{prefix}/*",)) if prefix else None
    return Right(sid, ("s3:ListBucket",), (bucket_arn(bucket),), condition)


def _queue(bundle: Bundle) -> tuple[Right, ...]:
    feed = bundle.source.feed
    told_by = feed.told_by if isinstance(feed, S3Feed) else None
    arn = queue_arn(told_by) if told_by is not None else None
    if arn is None:
        return ()
    actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes")
    return (Right("TakeMessages", actions, (arn,)),)
