"""Requests of the S3 API that obstore has no call for, signed with Signature Version 4 (AWS General Reference,
"Signature Version 4 signing process")."""

from __future__ import annotations

import hashlib
import hmac
import html
import os
import re
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

import msgspec

from startrail.adapters.s3.answer import Answer, meaning_of
from startrail.adapters.s3.bucket import Named
from startrail.adapters.s3.wire import Buffer, Reply, Wire
from startrail.base.text import printable

NOTHING = hashlib.sha256(b"").hexdigest()


class Account(msgspec.Struct, frozen=True):
    """Where a bucket is and who asks; ``endpoint`` is a whole address."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    token: str | None = None


def account_of(declared: Named, access_key: str | None, secret_key: str | None) -> Account | None:
    """Who asks, when that is known without asking a service of the cloud."""
    said, token = os.environ.get, None
    if access_key is None and secret_key is None:
        access_key, secret_key, token = said("AWS_ACCESS_KEY_ID"), said("AWS_SECRET_ACCESS_KEY"), said("AWS_SESSION_TOKEN")
    elsewhere = declared.endpoint is None and any(name.startswith("AWS_ENDPOINT") for name in os.environ)
    if not access_key or not secret_key or elsewhere:
        return None
    endpoint = declared.endpoint or f"https://s3.{declared.region}.amazonaws.com"
    return Account(endpoint, declared.bucket, declared.region, access_key, secret_key, token)


def ask(
    wire: Wire,
    account: Account,
    method: str,
    key: str,
    query: Mapping[str, str],
    body: Iterable[Buffer] = (),
    length: int = 0,
    sha256: str = NOTHING,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One try. The body comes in pieces that are ``length`` bytes in all; the server holds it against ``sha256``.

    Raises WireError.
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
    return wire.exchange(method, path + (f"?{asked}" if asked else ""), signed, body, length)


def element(answer: str, name: str) -> str:
    """The text of the first element of this name, or ``""``."""
    match = re.search(f"<{name}>(.*?)</{name}>", answer, re.DOTALL)
    return html.unescape(match[1]) if match else ""


def meant_by(reply: Reply) -> Answer:
    """What an answer that is no success means."""
    body = reply.data.decode("utf-8", "replace")
    code, message = element(body, "Code"), element(body, "Message")
    told = f"{reply.status} {code}: {message}" if message else f"{reply.status} {code}".strip()
    return Answer(meaning_of(reply.status, code), printable(told, 200))


def broken(error: Exception) -> str:
    """Why no answer came, in a few words."""
    return printable(getattr(error, "strerror", None) or str(error) or type(error).__name__, 200)


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
