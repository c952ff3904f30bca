"""Records of an HTTP endpoint: one response, or pages until there are no more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import BinaryIO
from urllib.parse import unquote, urlencode, urljoin, urlsplit

from urllib3 import BaseHTTPResponse

from startrail.adapters.feed.http_client import Client
from startrail.adapters.feed.http_links import files_of, next_of
from startrail.adapters.feed.http_page import Page, PageReader
from startrail.adapters.feed.http_range import rest_of, validator_of
from startrail.adapters.feed.http_sums import compared
from startrail.adapters.feed.listing import matcher, resumed, safe_name
from startrail.base.errors import SourceError
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.feed import AskedToWait, FeedFailed, FeedUnreachable, Fetched, Offer, Seen

_BLOCK = 1 << 18
_MOST_PAGES = 100_000
_MOST_UNANSWERED = 3
_LARGEST_INDEX = 16 << 20


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
        self._shown = _shown(declared.url)
        self._client = Client(
            dict(headers or {}),
            parse_duration(declared.timeout).total_seconds(),
            declared.retries,
            host=urlsplit(declared.url).hostname or "",
            oauth=declared.oauth,
            secret=client_secret,
        )
        self._reader = PageReader(declared, csv or source.Dialect())
        self._response: BaseHTTPResponse | None = None
        self._refusal: SourceError | None = None
        self._page: Page | None = None
        self._asked_for = ""
        self._digest = b""
        self._cursor: str | None = None
        self._link: str | None = None

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        self._cursor = seen.cursor
        self._reader.latest = now + timedelta(days=1)
        declared = self._declared
        if declared.files or declared.links:
            steps = self._by_files(seen)
        elif declared.next or declared.link:
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
        if self._refusal is not None:
            raise self._refusal
        assert self._response is not None
        digest = hashlib.sha256()
        for chunk in compared(resumed(lambda start: self._read(offer, start)), self._response.headers, offer.name):
            digest.update(chunk)
            yield chunk
        self._digest = digest.digest()

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        """From an offset on. A page is a moment's answer, which no other one goes on with."""
        assert self._response is not None
        if not start:
            return self._client.read(self._response, offer.name, _BLOCK)
        validator = validator_of(self._response.headers) if self._declared.files or self._declared.links else None
        return rest_of(self._client, self._asked_for, validator, start, offer.name, offer.size, _BLOCK)

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        with content() as file:
            self._page = self._reader.read(file, offer.name, self._cursor)
        self._cursor = self._page.cursor
        return Fetched(cursor=self._cursor if self._declared.cursor else None, empty=self._page.empty)

    def close(self) -> None:
        self._release()
        self._client.close()

    # -- the three ways through an endpoint ------------------------------------------------------------
    def _single(self, seen: Seen) -> Iterator[Offer]:
        yield from self._asked(self._address({**self._since(seen)}), self._name(self._since(seen)), seen)

    def _by_number(self, seen: Seen) -> Iterator[Offer]:
        parameter = self._declared.page or ""
        before = b""
        for number in range(1, _MOST_PAGES + 1):
            query = {parameter: str(number), **self._since(seen)}
            asked = False
            for offer in self._asked(self._address(query), self._name(query), seen, missing_ends=number > 1):
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
        address, visited = self._address(self._since(seen)), set[str]()
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

    def _by_files(self, seen: Seen) -> Iterator[Offer]:
        declared = self._declared
        unanswered = 0
        addresses = [urljoin(declared.url, file) for file in declared.files] or self._linked(declared.links or "")
        for address in addresses:
            if urlsplit(address)[:2] != urlsplit(declared.url)[:2]:
                raise FeedFailed(f"{safe_name(address)} is on another server than `url`", hint="declare a source for that server")
            name = safe_name(unquote(urlsplit(address).path.strip("/")))
            try:
                yield from self._asked(address, name, seen)
                unanswered = 0
            except SourceError as error:  # of this file alone, unless the server answers none of them
                unanswered += isinstance(error, FeedUnreachable)
                if isinstance(error, AskedToWait) or unanswered == _MOST_UNANSWERED:
                    raise
                self._refusal = error
                yield Offer(name, "")

    def _linked(self, pattern: str) -> list[str]:
        address = self._address({})
        response = self._client.get(address, {})
        if response is None or response.status != 200:
            return []
        try:
            page = b"".join(islice(self._client.read(response, self._shown, _BLOCK), _LARGEST_INDEX // _BLOCK))
        finally:
            response.close()
        return files_of(page.decode("utf-8", "replace"), address, matcher(pattern))

    def _asked(self, address: str, name: str, seen: Seen, *, missing_ends: bool = False) -> Iterator[Offer]:
        """Send the request; one offer, or none when nothing is there or nothing has changed."""
        self._release()
        self._page, self._ended, self._refusal = None, False, None
        conditions = _conditions(seen.landed.get(name, "")) if self._is_repeatable else {}
        response = self._client.get(address, conditions, missing_is_none=missing_ends)
        if response is None or response.status == 204:
            self._ended = True
            return
        self._response, self._asked_for = response, address
        self._link = next_of(response.headers.get("Link"))
        if response.status == 304:
            return
        length = response.headers.get("Content-Length", "")
        yield Offer(
            name=name,
            stamp=_stamp(response.headers) if self._is_repeatable else "",
            size=int(length) if length.isdecimal() and "Content-Encoding" not in response.headers else None,
            time=_time(response.headers.get("Last-Modified")),
        )

    @property
    def _is_repeatable(self) -> bool:
        """Whether an unchanged answer tells us nothing new: not where its content leads to the next page."""
        return self._declared.next is None and not self._declared.link and self._declared.cursor is None

    # -- addresses and names ---------------------------------------------------------------------------
    def _since(self, seen: Seen) -> dict[str, str]:
        if self._declared.cursor is None or seen.cursor is None:
            return {}
        return {self._declared.cursor_param or self._declared.cursor: seen.cursor}

    def _address(self, query: Mapping[str, str]) -> str:
        declared = self._declared
        size = {declared.page_size[0]: str(declared.page_size[1])} if declared.page_size else {}
        added = urlencode({**declared.params, **size, **query})
        return declared.url + (("&" if urlsplit(declared.url).query else "?") + added if added else "")

    def _following(self, address: str, following: str, seen: Seen) -> str:
        if self._declared.next_param and "://" not in following:
            return self._address({self._declared.next_param: following, **self._since(seen)})
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


def _shown(url: str) -> str:
    """The address without server and query. Raises FeedFailed when it is no HTTP address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FeedFailed(f"'{safe_name(url)}' is no HTTP address", hint="`url` must begin with https:// or http:// and a host")
    return parts.path.strip("/") or parts.netloc.rpartition("@")[2]


def _stamp(headers: Mapping[str, str]) -> str:
    for name in ("ETag", "Last-Modified"):
        if value := headers.get(name):
            return f"{name}: {value}"
    return ""


def _conditions(stamp: str) -> dict[str, str]:
    """Request headers that spare us an answer which has not changed."""
    name, _, value = stamp.partition(": ")
    header = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}.get(name)
    return {header: value} if header else {}


def _time(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
