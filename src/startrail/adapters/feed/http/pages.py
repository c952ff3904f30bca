"""Records of an HTTP endpoint: one response, or pages until there are no more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from urllib3 import BaseHTTPResponse

from startrail.adapters.feed.http.address import asked_address, shown_address
from startrail.adapters.feed.http.client import Client
from startrail.adapters.feed.http.headers import conditions, length_of, stamp_of, time_of
from startrail.adapters.feed.http.links import next_of
from startrail.adapters.feed.http.reader import Page, PageReader
from startrail.adapters.feed.http.sums import compared
from startrail.adapters.feed.listing import safe_name
from startrail.model import source
from startrail.ports.feed import FeedFailed, Fetched, Offer, Seen

_BLOCK = 1 << 18
_MOST_PAGES = 100_000


class HttpFeed:
    """``headers`` are the declared ones with their secrets resolved.

    Each page is one offer. Its request is sent when the offer is asked for, its bytes are read by :meth:`fetch`,
    and what comes next is found out from the landed bytes.
    """

    lanes = 1

    def __init__(
        self,
        declared: source.HttpFeed,
        *,
        headers: Mapping[str, str] | None = None,
        csv: source.Dialect | None = None,
        client_secret: str | None = None,
    ) -> None:
        self._declared = declared
        self._shown = shown_address(declared.url)
        self._client = Client.of(declared, headers or {}, client_secret)
        self._reader = PageReader(declared, csv or source.Dialect())
        self._response: BaseHTTPResponse | None = None
        self._page: Page | None = None
        self._digest = b""
        self._cursor: str | None = None
        self._link: str | None = None

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        self._cursor = seen.cursor
        self._reader.latest = now + timedelta(days=1)
        declared = self._declared
        if declared.next or declared.link:
            steps = self._by_next(seen)
        else:
            steps = self._by_number(seen) if declared.page else self._single(seen)
        try:
            yield from steps
        finally:
            self._release()

    def growing(self) -> dict[str, str]:
        return {}

    def listed(self) -> None:
        """What is there cannot be told from pages."""

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        assert self._response is not None
        digest = hashlib.sha256()
        for chunk in compared(self._client.read(self._response, offer.name, _BLOCK), self._response.headers, offer.name):
            digest.update(chunk)
            yield chunk
        self._digest = digest.digest()

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        with content() as file:
            self._page = self._reader.read(file, offer.name, self._cursor)
        self._cursor = self._page.cursor
        return Fetched(cursor=self._cursor if self._declared.cursor else None, empty=self._page.empty)

    def close(self) -> None:
        self._release()
        self._client.close()

    # -- the ways through an endpoint ------------------------------------------------------------
    def _single(self, seen: Seen) -> Iterator[Offer]:
        yield from self._asked(asked_address(self._declared, self._since(seen)), self._name(self._since(seen)), seen)

    def _by_number(self, seen: Seen) -> Iterator[Offer]:
        parameter = self._declared.page or ""
        before = b""
        for number in range(1, _MOST_PAGES + 1):
            query = {parameter: str(number), **self._since(seen)}
            asked = False
            for offer in self._asked(asked_address(self._declared, query), self._name(query), seen, missing_ends=number > 1):
                asked = True
                yield offer
                if self._page is None or self._page.empty:
                    return
                if self._digest == before:
                    raise FeedFailed(
                        f"pages {number - 1} and {number} of {self._name({})} are the same",
                        hint=f"does the server know the parameter '{parameter}'? check `page` in the source's feed",
                    )
                before = self._digest
            if not asked and self._ended:
                return
        raise FeedFailed(f"{self._name({})} has no last page", hint="check `page` in the source's feed")

    def _by_next(self, seen: Seen) -> Iterator[Offer]:
        address, visited = asked_address(self._declared, self._since(seen)), set[str]()
        for number in range(1, _MOST_PAGES + 1):
            visited.add(address)
            yield from self._asked(address, self._name({"next": str(number), **self._since(seen)}), seen)
            following = self._link if self._declared.link else self._page.next if self._page is not None else None
            if self._page is None or following is None:
                return
            address = self._following(address, following, seen)
            if address in visited:
                raise FeedFailed(
                    f"page {number} of {self._name({})} leads back to an earlier one", hint="check `next` in the source's feed"
                )
        raise FeedFailed(f"{self._name({})} has no last page", hint="check `next` in the source's feed")

    def _asked(self, address: str, name: str, seen: Seen, *, missing_ends: bool = False) -> Iterator[Offer]:
        """Send the request; one offer, or none when nothing is there or nothing has changed."""
        self._release()
        self._page, self._ended = None, False
        unless = conditions(seen.landed.get(name, "")) if self._is_repeatable else {}
        response = self._client.get(address, unless, missing_is_none=missing_ends)
        if response is None or response.status == 204:
            self._ended = True
            return
        self._response = response
        self._link = next_of(response.headers.get("Link"))
        if response.status == 304:
            return
        stamp = stamp_of(response.headers) if self._is_repeatable else ""
        yield Offer(name, stamp, length_of(response.headers), time_of(response.headers))

    @property
    def _is_repeatable(self) -> bool:
        """Whether an unchanged answer tells us nothing new: not where its content leads to the next page."""
        return self._declared.next is None and not self._declared.link and self._declared.cursor is None

    # -- addresses and names ---------------------------------------------------------------------------
    def _since(self, seen: Seen) -> dict[str, str]:
        if self._declared.cursor is None or seen.cursor is None:
            return {}
        return {self._declared.cursor_param or self._declared.cursor: seen.cursor}

    def _following(self, address: str, following: str, seen: Seen) -> str:
        if self._declared.next_param and "://" not in following:
            return asked_address(self._declared, {self._declared.next_param: following, **self._since(seen)})
        target = urljoin(address, following)
        if urlsplit(target)[:2] != urlsplit(self._declared.url)[:2]:
            raise FeedFailed(
                f"the next page of {self._name({})} would be on another server: {safe_name(target)}",
                hint="declare a source for that server, if it is to be trusted",
            )
        return target

    def _name(self, query: Mapping[str, str]) -> str:
        """What people see: the path, and what tells this request from the others."""
        return safe_name(self._shown + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""))

    def _release(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
