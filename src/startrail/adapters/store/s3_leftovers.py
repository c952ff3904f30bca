"""Uploads that killed processes never finished: a bucket keeps their parts, and charges for them, until they are aborted.

obstore has no call for them, so these are two requests of the S3 API, ListMultipartUploads and AbortMultipartUpload, signed
with Signature Version 4 (AWS General Reference, "Signature Version 4 signing process").
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import msgspec
import urllib3

_NOTHING = hashlib.sha256(b"").hexdigest()
_UPLOAD = re.compile(r"<Upload>.*?</Upload>", re.DOTALL)
_LEFT_BEHIND = timedelta(days=1)


class Account(msgspec.Struct, frozen=True):
    """Where a bucket is and who asks; ``endpoint`` is a whole address."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    token: str | None = None


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
        answer = _request(account, "GET", "", {"prefix": prefix, "uploads": ""})
        if answer.status != 200 or "Date" not in answer.headers:
            return 0
        now = parsedate_to_datetime(answer.headers["Date"])
        left = [each for each in unfinished(answer.data.decode()) if now - each.begun > _LEFT_BEHIND]
        mine = [each for each in left if each.key.startswith(prefix)]
        return sum(_request(account, "DELETE", each.key, {"uploadId": each.id}).status == 204 for each in mine)
    except (urllib3.exceptions.HTTPError, ValueError, TypeError):
        return 0


def unfinished(answer: str) -> list[Unfinished]:
    """What an answer to ListMultipartUploads names."""
    found = []
    for upload in _UPLOAD.findall(answer):
        key, id, begun = (html.unescape(_text(upload, name)) for name in ("Key", "UploadId", "Initiated"))
        found.append(Unfinished(key, id, datetime.fromisoformat(begun)))
    return found


def _text(element: str, name: str) -> str:
    match = re.search(f"<{name}>(.*?)</{name}>", element, re.DOTALL)
    return match[1] if match else ""


def _request(account: Account, method: str, key: str, query: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
    base = urlsplit(account.endpoint)
    path = quote(f"{base.path.rstrip('/')}/{account.bucket}" + (f"/{key}" if key else ""))
    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
    headers = {
        "host": base.netloc,
        "x-amz-content-sha256": _NOTHING,
        "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    }
    if account.token is not None:
        headers["x-amz-security-token"] = account.token
    headers["authorization"] = _authorization(account, method, path, asked, headers)
    url = f"{base.scheme}://{base.netloc}{path}?{asked}"
    with urllib3.PoolManager(timeout=10.0, retries=False) as pool:
        return pool.request(method, url, headers=headers)


def _authorization(account: Account, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    whole = f"{method}\n{path}\n{query}\n{listed}\n{names}\n{_NOTHING}"
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{account.region}/s3/aws4_request"
    signed = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(whole.encode()).hexdigest()}"
    key = f"AWS4{account.secret_key}".encode()
    for part in (*scope.split("/"), signed):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={account.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
