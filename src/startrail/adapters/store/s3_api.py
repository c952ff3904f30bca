"""Requests of the S3 API that obstore has no call for, signed with Signature Version 4 (AWS General Reference,
"Signature Version 4 signing process")."""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

import msgspec
import urllib3

NOTHING = hashlib.sha256(b"").hexdigest()


class Account(msgspec.Struct, frozen=True):
    """Where a bucket is and who asks; ``endpoint`` is a whole address."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    token: str | None = None


def ask(
    pool: urllib3.PoolManager,
    account: Account,
    method: str,
    key: str,
    query: Mapping[str, str],
    body: Iterable[bytes] = (),
    length: int = 0,
    sha256: str = NOTHING,
    headers: Mapping[str, str] | None = None,
) -> urllib3.BaseHTTPResponse:
    """One try. The body comes in pieces that are ``length`` bytes in all; the server holds it against ``sha256``.

    Raises urllib3's errors.
    """
    base = urlsplit(account.endpoint)
    path = quote(f"{base.path.rstrip('/')}/{account.bucket}" + (f"/{key}" if key else ""))
    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
    signed = {
        "host": base.netloc,
        "x-amz-content-sha256": sha256,
        "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    }
    signed.update(headers or {})
    if account.token is not None:
        signed["x-amz-security-token"] = account.token
    signed["authorization"] = _authorization(account, method, path, asked, signed)
    url = f"{base.scheme}://{base.netloc}{path}" + (f"?{asked}" if asked else "")
    signed["content-length"] = str(length)
    return pool.request(method, url, headers=signed, body=body if length else None, redirect=False)


def element(answer: str, name: str) -> str:
    """The text of the first element of this name, or ``""``."""
    match = re.search(f"<{name}>(.*?)</{name}>", answer, re.DOTALL)
    return html.unescape(match[1]) if match else ""


def _authorization(account: Account, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    whole = f"{method}\n{path}\n{query}\n{listed}\n{names}\n{headers['x-amz-content-sha256']}"
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{account.region}/s3/aws4_request"
    signed = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(whole.encode()).hexdigest()}"
    key = f"AWS4{account.secret_key}".encode()
    for part in (*scope.split("/"), signed):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={account.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
