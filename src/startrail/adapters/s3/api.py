"""Requests of the S3 API, signed with Signature Version 4 (AWS General Reference, "Signature Version 4 signing process")."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from startrail.adapters.proxy import ProxyRefused
from startrail.adapters.s3.answer import Answer, Unanswered, broken, meaning_of
from startrail.adapters.s3.keys import Keys, Who
from startrail.adapters.s3.roles import domain
from startrail.adapters.s3.who import who_asks
from startrail.adapters.s3.wire import Buffer, Reply, Stream, Wire, WireError
from startrail.adapters.s3.xml import element
from startrail.base.text import printable

NOTHING = hashlib.sha256(b"").hexdigest()
_LONGEST_REFUSAL = 1 << 16

T = TypeVar("T")


class Named(Protocol):
    """Where a declaration says that a bucket is."""

    @property
    def bucket(self) -> str: ...

    @property
    def endpoint(self) -> str | None: ...

    @property
    def region(self) -> str: ...


class Account(msgspec.Struct, frozen=True):
    """Where a bucket is and who asks; ``endpoint`` is a whole address."""

    endpoint: str
    bucket: str
    region: str
    who: Who


def account_of(declared: Named, access_key: str | None, secret_key: str | None) -> Account:
    """Without an endpoint the environment's, else Amazon's own. No server is asked for anything yet."""
    said = os.environ.get
    elsewhere = said("AWS_ENDPOINT_URL_S3") or said("AWS_ENDPOINT_URL") or said("AWS_ENDPOINT")
    endpoint = declared.endpoint or elsewhere or f"https://s3.{declared.region}.{domain(declared.region)}"
    if not _is_address(endpoint):  # told by whoever asks, and not to those who only open the project
        return Account("https://nowhere.invalid", declared.bucket, declared.region, partial(_nobody, endpoint))
    return Account(endpoint, declared.bucket, declared.region, who_asks(access_key, secret_key, declared.region))


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

    Any answer is one; raises Unanswered when none came.
    """
    target, signed = _signed(account, method, key, query, sha256, headers or {})
    try:
        return wire.exchange(method, target, signed, body, length)
    except WireError as error:
        raise unanswered(error) from error


def fetch(wire: Wire, account: Account, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Stream:
    """An object, or a range of it, whose bytes are still to be read. One try; raises Unanswered, also for a refusal."""
    target, signed = _signed(account, "GET", key, query, NOTHING, headers)
    try:
        stream = wire.open("GET", target, signed)
        if stream.status in (200, 206):
            return stream
        with contextlib.closing(stream):
            told = next(stream.blocks(_LONGEST_REFUSAL), b"")
    except WireError as error:
        raise unanswered(error) from error
    raise Unanswered(meant_by(Reply(stream.status, stream.headers, told)))


def patiently(call: Callable[[], T], retries: int, sleep: Callable[[float], None] = time.sleep) -> T:
    """What ``call`` returns, which is tried again while the server cannot answer for now."""
    for attempt in range(retries + 1):
        try:
            return call()
        except Unanswered as error:
            if error.answer.meaning != "busy" or attempt == retries:
                raise
        sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable")


def meant_by(reply: Reply) -> Answer:
    """What an answer that is no success means."""
    body = reply.data.decode("utf-8", "replace")
    code, message = element(body, "Code"), element(body, "Message")
    told = f"{reply.status} {code}: {message}" if message else f"{reply.status} {code}".strip()
    region, meaning = reply.headers.get("x-amz-bucket-region") or element(body, "Region"), meaning_of(reply.status, code)
    if meaning == "elsewhere":
        told = f"it is in the region '{region}'" if region else f"it redirects to another server ({told})"
    return Answer(meaning, printable(told, 200))


def unanswered(error: Exception) -> Unanswered:
    """For a WireError."""
    return Unanswered(Answer("proxy" if isinstance(error, ProxyRefused) else "busy", broken(error)))


def _is_address(endpoint: str) -> bool:
    try:
        far = urlsplit(endpoint)
        return far.scheme in ("http", "https") and bool(far.hostname) and far.port != 0 and far.netloc.isascii()
    except ValueError:
        return False


def _nobody(endpoint: str) -> Keys:
    shown = printable(endpoint.rpartition("@")[2], 100)
    raise Unanswered(Answer("other", f"'{shown}' is no address of a server: it must begin with https:// or http://"))


def _signed(
    account: Account, method: str, key: str, query: Mapping[str, str], sha256: str, headers: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """What is asked for, and the headers to ask with."""
    base, keys = urlsplit(account.endpoint), account.who()
    path = quote(f"{base.path.rstrip('/')}/{account.bucket}" + (f"/{key}" if key else ""))
    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    signed = {"host": base.netloc.rpartition("@")[2], "x-amz-content-sha256": sha256, "x-amz-date": moment, **headers}
    if keys is not None:
        if keys.token is not None:
            signed["x-amz-security-token"] = keys.token
        signed["authorization"] = _authorization(keys, account.region, method, path, asked, signed)
    return path + (f"?{asked}" if asked else ""), signed


def _authorization(keys: Keys, region: str, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    names = ";".join(sorted(headers))
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    whole = f"{method}\n{path}\n{query}\n{listed}\n{names}\n{headers['x-amz-content-sha256']}"
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    signed = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(whole.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_key}".encode()
    for part in (*scope.split("/"), signed):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
