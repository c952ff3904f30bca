"""Keeps redirects from leading into a network that the declared server is not part of."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from urllib3 import HTTPConnectionPool, PoolManager

from startrail.base.text import printable
from startrail.ports.feed import FeedFailed


class GuardedPool(PoolManager):
    """``trusted`` are declared hosts. Other hosts are reached by redirects only, and must be public when these are."""

    def __init__(self, trusted: set[str], **settings: Any) -> None:
        super().__init__(**settings)
        self._trusted = {host.lower() for host in trusted}

    def connection_from_host(
        self, host: str | None, port: int | None = None, scheme: str | None = "http", pool_kwargs: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        if (
            host is not None
            and host.lower() not in self._trusted
            and _is_private(host)
            and not any(map(_is_private, self._trusted))
        ):
            raise FeedFailed(
                f"the server redirects to {printable(host, 100)}, which is an address of a private network",
                hint="give the final address as `url`, if that is meant",
            )
        return super().connection_from_host(host, port, scheme, pool_kwargs)


def _is_private(host: str) -> bool:
    """Whether any address of the host is not public. A name that nobody knows is left to whoever connects."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return any(not _is_public(text) for text in found)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    plain = getattr(address, "ipv4_mapped", None) or address
    return plain.is_global and not plain.is_multicast
