"""Uploads that killed processes never finished: a bucket keeps their parts, and charges for them, until they are aborted.

obstore has no call for them, so these are two requests of the S3 API, ListMultipartUploads and AbortMultipartUpload.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
import urllib3

from startrail.adapters.store.s3_api import Account, ask, element

_UPLOAD = re.compile(r"<Upload>.*?</Upload>", re.DOTALL)
_LEFT_BEHIND = timedelta(days=1)


class Unfinished(msgspec.Struct, frozen=True):
    """One upload that was begun."""

    key: str
    id: str
    begun: datetime


def abort_leftovers(account: Account, prefix: str) -> int:
    """Abort uploads to keys with this prefix that were begun more than a day ago, by the server's clock.

    Returns how many. Housekeeping: what the server refuses or does not know is left to it.
    """
    try:
        pool = urllib3.PoolManager(timeout=10.0, retries=False)
        answer = ask(pool, account, "GET", "", {"prefix": prefix, "uploads": ""})
        if answer.status != 200 or "Date" not in answer.headers:
            return 0
        now = parsedate_to_datetime(answer.headers["Date"])
        left = [each for each in unfinished(answer.data.decode()) if now - each.begun > _LEFT_BEHIND]
        mine = [each for each in left if each.key.startswith(prefix)]
        return sum(ask(pool, account, "DELETE", each.key, {"uploadId": each.id}).status == 204 for each in mine)
    except (urllib3.exceptions.HTTPError, ValueError, TypeError):
        return 0


def unfinished(answer: str) -> list[Unfinished]:
    """What an answer to ListMultipartUploads names."""
    found = []
    for upload in _UPLOAD.findall(answer):
        key, id, begun = (element(upload, name) for name in ("Key", "UploadId", "Initiated"))
        found.append(Unfinished(key, id, datetime.fromisoformat(begun)))
    return found
