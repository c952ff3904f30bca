"""What an S3 API meant by refusing, read from what obstore tells of it: a page of text, with the answer somewhere in it."""

from __future__ import annotations

import html
import re
from typing import Literal

import msgspec
from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from startrail.adapters.s3.fence import DEAD_END
from startrail.base.text import printable

Meaning = Literal["no bucket", "no keys", "refused", "clock", "full", "busy", "beyond the end", "elsewhere", "other"]

_CLOCK = frozenset(("RequestTimeTooSkewed", "RequestExpired"))
_REFUSED = frozenset(
    ("AccessDenied", "ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled")
)
_LATER = frozenset(
    (
        "RequestTimeout", "InternalError", "SlowDown", "ServiceUnavailable", "NoSuchUpload", "BadDigest", "IncompleteBody",
        "XAmzContentSHA256Mismatch",
    )
)  # fmt: skip
_FULL = re.compile(r"Quota|StorageFull|InsufficientStorage|InsufficientCapacity|EntityTooLargeForBucket")
_BROKEN = re.compile(r"HTTP error|error sending request|timed out|error decoding response|error response")
_KINDS = {
    "Timeout": "nothing came in time", "Connect": "no connection could be made", "Interrupted": "the connection broke",
    "Request": "the connection broke", "Decode": "its answer cannot be read",
}  # fmt: skip


class Answer(msgspec.Struct, frozen=True):
    """``told``: the answer in a few words, fit to be shown."""

    meaning: Meaning
    told: str


def answer_of(error: Exception) -> Answer:
    """For anything that obstore raises."""
    text = str(error)
    status, code, message = (
        _found(r"status code: (\d{3})", text),
        _found(r"<Code>([^<]*)<", text),
        _found(r"<Message>([^<]*)<", text),
    )
    words = [" ".join(part for part in (status, code) if part), html.unescape(message)]
    told = printable(": ".join(part for part in words if part), limit=200) or _without_answer(text)
    return Answer(_meaning(error, text, int(status or 0), code), told)


def meaning_of(status: int, code: str) -> Meaning:
    """For an answer's status, and the code in its body."""
    if code == "NoSuchBucket":
        return "no bucket"
    if code in _CLOCK:
        return "clock"
    if status == 507 or _FULL.search(code):
        return "full"
    if status in (401, 403) or code in _REFUSED:
        return "refused"
    if status == 416:
        return "beyond the end"
    if 300 <= status < 400 and status != 304:
        return "elsewhere"
    return "busy" if status >= 500 or status in (408, 409, 429) or code in _LATER else "other"


def _meaning(error: Exception, text: str, status: int, code: str) -> Meaning:
    if "169.254.169.254" in text:
        return "no keys"
    if status or code:
        return meaning_of(status, code)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "refused"
    if "Received redirect" in text or DEAD_END in text:
        return "elsewhere"
    return "busy" if _BROKEN.search(text) else "other"


def _without_answer(text: str) -> str:
    if "Received redirect" in text:
        return "it is in another region"
    if DEAD_END in text:
        return "it redirects to another server"
    kind = _found(r"kind: (\w+),", text.partition("Debug source")[2])
    return _KINDS.get(kind) or printable(text.partition("\n")[0], limit=200)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1].strip() if match else ""
