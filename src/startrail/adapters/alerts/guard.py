"""Where alerts may go: listed hosts, and of the addresses behind them only public ones unless they are listed too."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from startrail.adapters.alerts.errors import HostNotListed
from startrail.base.text import printable

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Guard:
    """``hosts`` as the profile lists them; ``own`` are those that a kind of endpoint brings along."""

    def __init__(self, hosts: Iterable[str], own: Iterable[str] = ()) -> None:
        self._networks = [network for host in hosts if (network := _network(host)) is not None]
        self._names = [host.lower().rstrip(".") for host in (*hosts, *own) if _network(host) is None]

    def require(self, url: str) -> None:
        """Raises HostNotListed; asks no name server."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        address = _address(host)
        if address is not None:
            if not any(address in network for network in self._networks):
                raise _not_listed(host)
        elif not any(_matches(host, name) for name in self._names):
            raise _not_listed(host)
        if parts.scheme != "https" and not self._near(host):
            raise HostNotListed(f"alerts go to {printable(host, 100)} over plain http", hint="write https:// in its url")

    def address(self, host: str, port: int) -> str:
        """The address to connect to, so that what was looked at is what is used. Raises HostNotListed and OSError.

        All addresses of the name must be allowed: which one is used is the name server's choice.
        """
        found = dict.fromkeys(info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        for text in found:
            address = _address(str(text))
            if address is None or not (_public(address) or self._lists(address) or host.lower() in self._near_names()):
                raise HostNotListed(
                    f"{printable(host, 100)} leads to {printable(str(text), 60)}, which is not a public address",
                    hint=f'add "{printable(str(text), 60)}" or its network to hosts of the profile\'s alerts, if that is meant',
                )
        return str(next(iter(found)))

    def _lists(self, address: _Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._networks)

    def _near_names(self) -> set[str]:
        """Loopback by its name, listed by it."""
        return {name for name in self._names if name == "localhost"}

    def _near(self, host: str) -> bool:
        """Plain text goes nowhere but to listed addresses of one's own."""
        if host == "localhost":
            return True
        address = _address(host)
        return address is not None and not _public(address)


def _matches(host: str, name: str) -> bool:
    return host.endswith(name[1:]) and len(host) > len(name) - 1 if name.startswith("*.") else host == name


def _public(address: _Address) -> bool:
    plain = getattr(address, "ipv4_mapped", None) or address
    return plain.is_global and not plain.is_multicast


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _not_listed(host: str) -> HostNotListed:
    shown = printable(host, 100)
    return HostNotListed(
        f"alerts may not go to {shown}: the profile does not list it", hint=f'add "{shown}" to hosts of the profile\'s alerts'
    )
