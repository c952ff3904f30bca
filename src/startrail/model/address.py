"""Addresses of e-mail, as strictly as mail servers take them; what could be a second header or recipient is none."""

from __future__ import annotations

import ipaddress
import re

import msgspec

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")
_WITH_NAME = re.compile(r"([^<>]*)<([^<>]*)>")


class Address(msgspec.Struct, frozen=True):
    """``mailbox`` is what a server is told, ``name`` what a reader sees beside it."""

    mailbox: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.mailbox.rpartition("@")[2]


def address(text: str) -> Address:
    """``ana@shop.example`` or ``Ana <ana@shop.example>``. Raises ValueError with a sentence."""
    if not text.isprintable():
        raise ValueError("an e-mail address must not hold characters that do not print")
    named = _WITH_NAME.fullmatch(text.strip())
    name, mailbox = ("", text) if named is None else (named[1].strip().strip('"'), named[2])
    match = _ADDRESS.fullmatch(mailbox.strip())
    if match is None or len(match[1]) > 64 or len(match[2]) > 253:
        hint = "" if mailbox.isascii() else ", in ASCII letters; write a domain of other letters in its form xn--"
        raise ValueError(f"'{text}' is not an e-mail address such as ana@shop.example{hint}")
    return Address(mailbox.strip(), name)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address: what may be talked to without TLS."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
