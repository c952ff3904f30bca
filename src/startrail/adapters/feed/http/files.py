"""Files of an HTTP server: at declared addresses, or those that an index page links to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
from urllib3 import BaseHTTPResponse

from startrail.adapters.feed.http.address import asked_address, shown_address
from startrail.adapters.feed.http.client import Client
from startrail.adapters.feed.http.headers import conditions, length_of, stamp_of, time_of
from startrail.adapters.feed.http.links import files_of
from startrail.adapters.feed.http.range import rest_of, validator_of
from startrail.adapters.feed.http.reader import PageReader
from startrail.adapters.feed.http.sums import compared
from startrail.adapters.feed.listing import matcher, resumed, safe_name
from startrail.base.errors import SourceError
from startrail.model import source
from startrail.ports.feed import AskedToWait, FeedFailed, FeedUnreachable, Fetched, Offer, Seen, StillGrowing

_BLOCK = 1 << 18
_MOST_UNANSWERED = 3
_LARGEST_INDEX = 16 << 20


class HttpFilesFeed:
    """Each file is one offer. Whether it is new is known from its answer, which the lane that fetches it asks for."""

    def __init__(
        self,
        declared: source.HttpFeed,
        *,
        headers: Mapping[str, str] | None = None,
        csv: source.Dialect | None = None,
        client_secret: str | None = None,
    ) -> None:
        self._declared, self.lanes = declared, declared.transfers
        self._shown = shown_address(declared.url)
        self._client = Client.of(declared, headers or {}, client_secret, connections=self.lanes)
        self._reader = PageReader(declared, csv or source.Dialect())
        self._addresses: dict[str, str] = {}
        self._landed: Mapping[str, str] = {}
        self._answers: dict[str, BaseHTTPResponse] = {}
        self._under_way: set[BaseHTTPResponse] = set()
        self._lock = threading.Lock()
        self._unanswered = 0
        self._left = False

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        self._landed, self._addresses = seen.landed, {}
        for address in self._listing():
            if urlsplit(address)[:2] != urlsplit(self._declared.url)[:2]:
                raise FeedFailed(f"{safe_name(address)} is on another server than `url`", hint="declare a source for that server")
            name = self._named(address)
            self._addresses[name] = address
            yield Offer(name, "")

    def growing(self) -> dict[str, str]:
        return {}

    def listed(self) -> None:
        """A server that does not list has more than is asked for."""

    def answered(self, offer: Offer) -> Offer | None:
        """Send the request. A server that asks to wait, or answers none of three, is asked for nothing more."""
        if self._left:
            return None
        try:
            response = self._client.get(self._addresses[offer.name], conditions(self._landed.get(offer.name, "")))
        except SourceError as error:
            with self._lock:
                if self._left and isinstance(error, AskedToWait):
                    return None  # another lane has told it
                self._unanswered += isinstance(error, FeedUnreachable)
                self._left |= isinstance(error, AskedToWait) or self._unanswered >= _MOST_UNANSWERED
            raise
        assert response is not None
        self._unanswered = 0
        if response.status in (204, 304):
            response.close()
            return None
        self._answers[offer.name] = response
        headers = response.headers
        changes = {"stamp": stamp_of(headers), "size": length_of(headers), "time": time_of(headers)}
        return msgspec.structs.replace(offer, **changes)

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        response = self._answers.pop(offer.name, None)
        if response is None:
            response = self._again(offer)
        with self._lock:
            self._under_way.add(response)
        try:
            yield from compared(resumed(lambda start: self._read(response, offer, start)), response.headers, offer.name)
        finally:
            with self._lock:
                self._under_way.discard(response)
            response.close()

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        with content() as file:
            return Fetched(empty=self._reader.read(file, offer.name, None).empty)

    def close(self) -> None:
        with self._lock:
            under_way, unread = list(self._under_way), list(self._answers.values())
            self._answers.clear()
        for response in unread:
            response.close()
        for response in under_way:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has come to its end meanwhile
                response.shutdown()
        self._client.close()

    def _again(self, offer: Offer) -> BaseHTTPResponse:
        """A further try, which is for the same content as the first."""
        response = self._client.get(self._addresses[offer.name], {})
        assert response is not None
        if offer.stamp and stamp_of(response.headers) != offer.stamp:
            response.close()
            raise StillGrowing(f"'{offer.name}' changed while it was read", hint="it is left for the next run")
        return response

    def _read(self, response: BaseHTTPResponse, offer: Offer, start: int) -> Iterator[bytes]:
        if not start:
            return self._client.read(response, offer.name, _BLOCK)
        address, validator = self._addresses[offer.name], validator_of(response.headers)
        return rest_of(self._client, address, validator, start, offer.name, offer.size, _BLOCK)

    def _listing(self) -> list[str]:
        declared = self._declared
        return [urljoin(declared.url, file) for file in declared.files] or self._linked(declared.links or "")

    def _linked(self, pattern: str) -> list[str]:
        address = asked_address(self._declared, {})
        response = self._client.get(address, {})
        if response is None or response.status != 200:
            return []
        try:
            page = b"".join(islice(self._client.read(response, self._shown, _BLOCK), _LARGEST_INDEX // _BLOCK))
        finally:
            response.close()
        return files_of(page.decode("utf-8", "replace"), address, matcher(pattern))

    def _named(self, address: str) -> str:
        """The path; with the query where two addresses differ by that alone."""
        parts = urlsplit(address)
        name = safe_name(unquote(parts.path.strip("/")))
        return safe_name(f"{name}?{parts.query}") if self._addresses.get(name, address) != address else name
