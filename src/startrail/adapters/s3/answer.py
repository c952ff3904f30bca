"""What an S3 API meant by refusing, and what it means that nothing came."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from startrail.base.text import printable

Meaning = Literal[
    "no bucket", "no object", "other object", "no keys", "refused", "clock", "full", "busy", "beyond the end", "elsewhere",
    "proxy", "other",
]  # fmt: skip

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
_ELSEWHERE = frozenset(("AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"))
_FULL = re.compile(r"Quota|StorageFull|InsufficientStorage|InsufficientCapacity|EntityTooLargeForBucket")


class Answer(msgspec.Struct, frozen=True):
    """``told``: the answer in a few words, fit to be shown."""

    meaning: Meaning
    told: str


class Unanswered(Exception):
    """A request came to nothing: it was refused, no answer came, or nobody could be found in whose name to ask."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.told)
        self.answer = answer


def meaning_of(status: int, code: str) -> Meaning:
    """For an answer's status, and the code in its body."""
    if code == "NoSuchBucket":
        return "no bucket"
    if code in _CLOCK:
        return "clock"
    if status == 507 or _FULL.search(code):
        return "full"
    if status == 407:
        return "proxy"
    if status in (401, 403) or code in _REFUSED:
        return "refused"
    if status == 416:
        return "beyond the end"
    if (300 <= status < 400 and status != 304) or code in _ELSEWHERE:
        return "elsewhere"
    if status >= 500 or status in (408, 409, 429) or code in _LATER:
        return "busy"
    return {404: "no object", 412: "other object"}.get(status, "other")  # type: ignore[return-value]  (both are meanings)


def broken(error: Exception) -> str:
    """Why no answer came, in a few words."""
    if isinstance(error, TimeoutError):
        return "nothing came in time"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the connection broke"
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__, 200)
