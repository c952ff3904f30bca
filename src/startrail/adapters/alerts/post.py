"""One POST: no redirect followed, no proxy asked, bounded in time and in what is read of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from startrail.adapters.alerts.errors import HostNotListed
from startrail.adapters.alerts.guard import Guard
from startrail.adapters.tls import trust
from startrail.base.text import printable
from startrail.model.alert import Later, Refused, Sent

_MOST_READ = 16_384
_NEVER = frozenset({400, 413, 422})
"""Answers that mean this one alert, whenever it comes."""
_KNOWN = frozenset({409})
"""It had this id already."""


class Answer(msgspec.Struct, frozen=True):
    """``body`` is cut where it is long."""

    status: int
    body: bytes
    retry_after: str | None


class Poster:
    """Posts to one address."""

    def __init__(self, url: str, guard: Guard, timeout: float) -> None:
        guard.require(url)
        self._guard, self._timeout = guard, timeout
        parts = urlsplit(url)
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        named = f"[{self._host}]" if ":" in self._host else self._host
        self._host_header = named if parts.port is None else f"{named}:{parts.port}"
        self.name = printable(f"{parts.scheme}://{self._host_header}{parts.path}", 200)

    def post(self, path: str | None, body: bytes, headers: Mapping[str, str]) -> Answer | Later:
        """The answer, or why there is none."""
        try:
            address = self._guard.address(self._host, self._port)
        except HostNotListed as error:
            return Later(error.message)
        except OSError as error:
            return Later(f"{self.name} cannot be found: {printable(str(error.strerror or error), 160)}")
        try:
            return self._exchange(address, path or self._path, body, headers)
        except (HTTPError, OSError, ValueError) as error:
            return Later(f"{self.name} does not answer: {printable(_reason(error), 160)}")

    def _exchange(self, address: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = {"Content-Type": "application/json", "User-Agent": "startrail", "Host": self._host_header, **headers}
        with self._pool(address) as pool:
            response = pool.urlopen(
                "POST", path, body=body, headers=sent, retries=False, redirect=False, preload_content=False,
                timeout=Timeout(total=self._timeout), assert_same_host=False,
            )  # fmt: skip
            try:
                return Answer(response.status, _some(response), response.headers.get("Retry-After"))
            finally:
                response.close()

    def _pool(self, address: str) -> urllib3.HTTPConnectionPool:
        if self._scheme == "https":
            return urllib3.HTTPSConnectionPool(
                address, self._port, ssl_context=trust(), server_hostname=self._host, assert_hostname=self._host
            )
        return urllib3.HTTPConnectionPool(address, self._port)


def judged(answer: Answer | Later, name: str, now: datetime, *, what: str = "") -> Sent | Later | Refused:
    """What an answer means. ``what`` is what the endpoint says of a refusal, safe to show."""
    if isinstance(answer, Later):
        return answer
    if 200 <= answer.status < 300 or answer.status in _KNOWN:
        return Sent()
    told = f"{name} answered {answer.status}{what}"
    if answer.status in _NEVER:
        return Refused(told)
    if 300 <= answer.status < 400:
        told += "; redirects are not followed"
    crowded = answer.status == 429 or (answer.status == 503 and bool(answer.retry_after))
    return Later(told, retry_after(answer.retry_after, now), crowded, answered=True)


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds, of either form of the header; None when there is none that makes sense."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text[:10])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


def _some(response: urllib3.BaseHTTPResponse) -> bytes:
    """The beginning of the body. That the answer came counts, so a body that breaks off does not."""
    try:
        return response.read(_MOST_READ, decode_content=False) or b""
    except (HTTPError, OSError):
        return b""


def _reason(error: Exception) -> str:
    """Without the object addresses that urllib3 prints."""
    text = str(error).rpartition(">, ")[2] or str(error)
    return text.strip("'\") ") or type(error).__name__
