"""What a bucket's refusal means for whoever wanted to read files there."""

from __future__ import annotations

from startrail.adapters.s3.answer import Answer
from startrail.base.errors import SourceError
from startrail.ports.feed import (
    FeedFailed,
    FeedForbidden,
    FeedIncomplete,
    FeedMissing,
    FeedUnreachable,
    StillGrowing,
)


def not_askable(bucket: str, name: str) -> FeedFailed:
    """The error for a name that would be another one on its way."""
    where = "have that object renamed, or let `prefix` name a place without it: no //, ., .. and control characters"
    return FeedFailed(f"the bucket '{bucket}' has a name that cannot be asked for: {name}", hint=where)


def refusal(answer: Answer, bucket: str, what: str) -> SourceError:
    """The error for what an S3 API answered about ``what``; both names are fit to be shown."""
    match answer.meaning:
        case "no object":
            return StillGrowing(f"'{what}' is gone since it was listed", hint="nothing is to be done; the next run lists again")
        case "other object":
            return StillGrowing(f"'{what}' was replaced since it was listed", hint="it is left for the next run")
        case "no bucket":
            where = "check `bucket`, `region` and `endpoint` in the source's feed"
            return FeedMissing(f"there is no bucket '{bucket}'", hint=where)
        case "refused":
            keys = "check `access_key` and `secret_key`, or the role's policy: reading takes s3:ListBucket and s3:GetObject"
            return FeedForbidden(f"the bucket '{bucket}' refuses access to '{what}': {answer.told}", hint=keys)
        case "clock":
            return FeedForbidden(
                f"the bucket '{bucket}' refuses access to '{what}': its clock and the one of this machine differ",
                hint="set the clock of this machine right, as with NTP",
            )
        case "no keys":
            keys = "give the feed `access_key` and `secret_key` as env:NAME, or this machine a role"
            return FeedForbidden(f"no keys for the bucket '{bucket}' were found: {answer.told}", hint=keys)
        case "busy":
            network = "run again; check `endpoint`, the network and the proxy, if there is one, if it stays"
            return FeedUnreachable(f"the bucket '{bucket}' did not answer for '{what}': {answer.told}", hint=network)
        case "proxy":
            way = "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the host of `endpoint` in NO_PROXY"
            return FeedFailed(f"the bucket '{bucket}' cannot be asked for '{what}': {answer.told}", hint=way)
        case "beyond the end":
            return FeedIncomplete(
                f"'{what}' ended before its announced end: {answer.told}",
                hint="run again; see the log of the S3 API if it stays",
            )
        case "elsewhere":
            where = "give the feed the `region` and `endpoint` that the bucket really has; redirects are not followed"
            return FeedFailed(f"the bucket '{bucket}' sends us elsewhere for '{what}': {answer.told}", hint=where)
    where = "check `bucket`, `prefix`, `region` and `endpoint` in the source's feed; see the log of the S3 API if they are right"
    return FeedFailed(f"the bucket '{bucket}' refused '{what}': {answer.told}", hint=where)
