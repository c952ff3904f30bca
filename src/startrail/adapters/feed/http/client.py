"""GET with patience and limits, over urllib3."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from urllib.parse import urlsplit

import urllib3
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import (
    HTTPError,
    InvalidHeader,
    LocationValueError,
    MaxRetryError,
    ProtocolError,
    ProxyError,
    ResponseError,
    SSLError,
)
from urllib3.util import Retry, Timeout

from startrail.adapters.feed.http.guard import GuardedPool
from startrail.adapters.feed.http.token import Token
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.feed import AskedToWait, FeedFailed, FeedForbidden, FeedIncomplete, FeedMissing, FeedUnreachable

_LONGEST_WAIT_SECONDS = 60
_MOST_REDIRECTS = 5
_LATER = frozenset({429, 500, 502, 503, 504})
_SHUT = re.compile(r"failed: 4\d\d")
_PROXIES = "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the host of `url` in NO_PROXY"


class Client:
    """Keeps connections; tries again what may pass by itself, waiting as the server asks, or not at all beyond a minute.

    Declared headers may be secrets, so a redirect to another server does not get them.
    """

    def __init__(
        self,
        headers: dict[str, str],
        timeout: float,
        retries: int,
        *,
        host: str = "",
        connections: int = 1,
        oauth: source.OAuth | None = None,
        secret: str | None = None,
    ) -> None:
        """``host`` is the declared one; ``secret`` the resolved client secret of ``oauth``."""
        self._headers = {"User-Agent": "startrail", "Accept-Encoding": "identity", **headers}
        self._timeout = Timeout(connect=timeout, read=timeout)
        self._retry = _Patience(
            total=retries + _MOST_REDIRECTS,
            connect=retries,
            read=retries,
            status=retries,
            other=retries,
            redirect=_MOST_REDIRECTS,
            allowed_methods=frozenset({"GET"}),
            status_forcelist=_LATER,
            backoff_factor=0.25,
            backoff_max=_LONGEST_WAIT_SECONDS,
            raise_on_status=False,
            remove_headers_on_redirect=(*headers, "Authorization", "Cookie", "Proxy-Authorization", "Host"),
        )
        trusted = {host} | ({urlsplit(oauth.token_url).hostname or ""} if oauth is not None else set())
        self._pool = GuardedPool(trusted, maxsize=connections + 1)
        self._token = Token(oauth, secret or "", self._pool, timeout) if oauth is not None else None

    @classmethod
    def of(cls, declared: source.HttpFeed, headers: Mapping[str, str], secret: str | None, *, connections: int = 1) -> Client:
        """What a feed's declaration says. ``headers`` and ``secret`` are resolved."""
        timeout, host = parse_duration(declared.timeout).total_seconds(), urlsplit(declared.url).hostname or ""
        more = {"host": host, "connections": connections, "oauth": declared.oauth, "secret": secret}
        return cls(dict(headers), timeout, declared.retries, **more)

    def get(self, address: str, headers: dict[str, str], *, missing_is_none: bool = False) -> urllib3.BaseHTTPResponse | None:
        """The answer with its body unread: 200, 204, 304, or 206 where a range was asked for. None for 404 when that only
        means there is no more."""
        if urlsplit(address).scheme not in ("http", "https"):
            raise FeedFailed(f"'{_bare(address)}' is no HTTP address", hint="`url` must begin with https:// or http://")
        token = self._token.header() if self._token is not None else {}
        response = self._sent(address, {**token, **headers})
        if response.status == 401 and self._token is not None:  # it has expired, or was withdrawn
            response.close()
            self._token.forget(token)
            response = self._sent(address, {**self._token.header(), **headers})
        if response.status in (200, 204, 304) or (response.status == 206 and "Range" in headers):
            return response
        response.close()
        if response.status == 404 and missing_is_none:
            return None
        raise _refusal(response.status, _bare(address), response.headers.get("Retry-After"))

    def _sent(self, address: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(
                "GET",
                address,
                headers={**self._headers, **headers},
                timeout=self._timeout,
                retries=self._retry,
                preload_content=False,
            )
        except (HTTPError, ValueError) as error:
            raise _translated(error, _bare(address)) from error

    def read(self, response: urllib3.BaseHTTPResponse, name: str, block: int) -> Iterator[bytes]:
        """The body in chunks of at most ``block`` bytes, as they come; raises when it ends before its announced length."""
        try:
            while chunk := response.read1(block, decode_content=True):
                yield chunk
        except ProtocolError as error:
            raise FeedIncomplete(
                f"'{name}' ended before its announced end",
                hint="run again; the server, or a proxy before it, cuts it off if it stays",
            ) from error
        except (HTTPError, OSError) as error:
            raise _translated(error, name) from error

    def close(self) -> None:
        self._pool.clear()


class _Patience(Retry):
    """Waits as the server asks, and gives up at once when that is too long."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> _Patience:
        if response is not None and _pool is not None and (self.get_retry_after(response) or 0) > _LONGEST_WAIT_SECONDS:
            raise MaxRetryError(_pool, url or "", ResponseError("it asks to wait"))
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0  # nothing that can be read: as patient as without it


def _refusal(status: int, where: str, wait: str | None) -> SourceError:
    if status == 407:
        return FeedFailed(f"the proxy on the way to {where} answered 407: it wants a login", hint=_PROXIES)
    if status in (401, 403):
        return FeedForbidden(
            f"{where} answered {status}: it refuses us", hint="check the secrets that `headers` of the source's feed refer to"
        )
    if status in (404, 410):
        return FeedMissing(f"{where} answered {status}: there is no such address", hint="check `url` in the source's feed")
    seconds = _Patience().parse_retry_after(wait) if wait else 0
    if status in _LATER and seconds > _LONGEST_WAIT_SECONDS:
        return AskedToWait(
            f"{where} answers {status} and asks to wait {timedelta(seconds=int(seconds))}",
            hint="run again then, and give the source a `schedule` that asks less often",
        )
    if status in _LATER:
        return FeedUnreachable(f"{where} still answers {status}", hint="run again later, or raise `retries`")
    if 300 <= status < 400:
        return FeedFailed(f"{where} redirects without end or to nowhere ({status})", hint="give the final address as `url`")
    return FeedFailed(f"{where} answered {status}", hint="check `url` and `params` in the source's feed")


def _translated(error: Exception, where: str) -> SourceError:
    cause: object = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    if isinstance(cause, ProxyError):
        told = printable(str(cause.original_error), 160)
        kind = FeedFailed if _SHUT.search(told) else FeedUnreachable
        return kind(f"the proxy on the way to {where} does not let us through: {told}", hint=_PROXIES)
    told = printable(str(cause), 160)
    if isinstance(cause, SSLError):
        return FeedFailed(f"{where} has no trustworthy certificate: {told}", hint="check `url`, or mend the server's certificate")
    if "redirect" in told:
        return FeedFailed(f"{where} redirects without end", hint="give the final address as `url`")
    if isinstance(cause, (LocationValueError, ValueError)) and not isinstance(cause, OSError):
        return FeedFailed(f"{where} or what it redirects to is no HTTP address", hint="check `url` in the source's feed")
    return FeedUnreachable(f"{where} does not answer: {told}", hint="check `url` and the network")


def _bare(address: str) -> str:
    """The address without what may be secret in it: user, password and query."""
    parts = urlsplit(address)
    return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
