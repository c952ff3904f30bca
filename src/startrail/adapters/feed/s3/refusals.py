"""What a bucket's refusal means for whoever wanted to read files there."""

from __future__ import annotations

from obstore.exceptions import PreconditionError

from startrail.adapters.s3.answer import Answer, answer_of
from startrail.base.errors import SourceError
from startrail.ports.feed import (
    FeedFailed,
    FeedForbidden,
    FeedIncomplete,
    FeedMissing,
    FeedUnreachable,
    StillGrowing,
)


def translated(error: Exception, bucket: str, what: str) -> SourceError:
    """For anything that obstore raises about ``what``; both names are fit to be shown."""
    answer = answer_of(error)
    if isinstance(error, PreconditionError):
        return StillGrowing(f"'{what}' was replaced since it was listed", hint="it is left for the next run")
    if isinstance(error, FileNotFoundError) and answer.meaning != "no bucket":
        return StillGrowing(f"'{what}' is gone since it was listed")
    if "invalid path" in answer.told:
        return not_askable(bucket, answer.told)
    return refusal(answer, bucket, what)


def not_askable(bucket: str, name: str) -> FeedFailed:
    """The error for a name that would be another one on its way."""
    where = "have that object renamed, or let `prefix` name a place without it: no //, ., .. and control characters"
    return FeedFailed(f"the bucket '{bucket}' has a name that cannot be asked for: {name}", hint=where)


def refusal(answer: Answer, bucket: str, what: str) -> SourceError:
    """The error for what an S3 API answered."""
    match answer.meaning:
        case "no bucket":
            where = "check `bucket`, `region` and `endpoint` in the source's feed"
            return FeedMissing(f"there is no bucket '{bucket}'", hint=where)
        case "refused":
            keys = "check the secrets of `access_key` and `secret_key`; reading takes s3:ListBucket and s3:GetObject"
            return FeedForbidden(f"the bucket '{bucket}' refuses access to '{what}': {answer.told}", hint=keys)
        case "clock":
            return FeedForbidden(
                f"the bucket '{bucket}' refuses access to '{what}': its clock and the one of this machine differ",
                hint="set the clock of this machine right, as with NTP",
            )
        case "no keys":
            keys = "give the feed `access_key` and `secret_key` as env:NAME"
            return FeedForbidden(f"no keys for the bucket '{bucket}' were found", hint=keys)
        case "busy":
            network = "run again; check `endpoint` and the network if it stays"
            return FeedUnreachable(f"the bucket '{bucket}' did not answer for '{what}': {answer.told}", hint=network)
        case "beyond the end":
            return FeedIncomplete(
                f"'{what}' ended before its announced end: {answer.told}",
                hint="run again; see the log of the S3 API if it stays",
            )
        case "elsewhere":
            where = "check `region` and `endpoint` in the source's feed"
            return FeedFailed(f"the bucket '{bucket}' sends us elsewhere for '{what}': {answer.told}", hint=where)
    where = "check `bucket`, `region` and `endpoint`"
    return FeedFailed(f"the bucket '{bucket}' refused '{what}': {answer.told}", hint=where)
