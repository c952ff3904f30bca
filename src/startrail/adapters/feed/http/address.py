"""Addresses that are asked for, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from startrail.adapters.feed.listing import safe_name
from startrail.model import source
from startrail.ports.feed import FeedFailed


def asked_address(declared: source.HttpFeed, query: Mapping[str, str]) -> str:
    """The declared address with its parameters and these."""
    size = {declared.page_size[0]: str(declared.page_size[1])} if declared.page_size else {}
    added = urlencode({**declared.params, **size, **query})
    return declared.url + (("&" if urlsplit(declared.url).query else "?") + added if added else "")


def shown_address(url: str) -> str:
    """The address without server and query. Raises FeedFailed when it is no HTTP address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FeedFailed(f"'{safe_name(url)}' is no HTTP address", hint="`url` must begin with https:// or http:// and a host")
    return parts.path.strip("/") or parts.netloc.rpartition("@")[2]
