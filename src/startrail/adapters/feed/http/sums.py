"""Checksums that a server sends along: Repr-Digest and Content-Digest (RFC 9530), Digest (RFC 3230), Content-MD5 (RFC 1864)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping

from startrail.ports.feed import OtherBytes

_ALGORITHMS = {"sha-512": "sha512", "sha-256": "sha256", "md5": "md5"}
_MEMBER = re.compile(r"([A-Za-z0-9-]+)=:?([A-Za-z0-9+/]+=*):?")


def announced(headers: Mapping[str, str]) -> tuple[str, bytes] | None:
    """The algorithm as hashlib names it, and the digest of the whole content; None where the server says none that is of use.

    Content that was compressed for the way has digests of what was sent, which is not what is read.
    """
    if headers.get("Content-Encoding", "identity") != "identity":
        return None
    for header in ("Repr-Digest", "Content-Digest", "Digest"):
        told = {name.lower(): value for name, value in _MEMBER.findall(headers.get(header, ""))}
        for name, algorithm in _ALGORITHMS.items():
            if name in told and (digest := _digest(algorithm, told[name])) is not None:
                return algorithm, digest
    digest = _digest("md5", headers.get("Content-MD5", ""))
    return None if digest is None else ("md5", digest)


def compared(blocks: Iterator[bytes], headers: Mapping[str, str], name: str) -> Iterator[bytes]:
    """The same blocks. Raises OtherBytes at their end when they are not what the server announced."""
    told = announced(headers)
    if told is None:
        yield from blocks
        return
    digest = hashlib.new(told[0], usedforsecurity=False)
    for block in blocks:
        digest.update(block)
        yield block
    if digest.digest() != told[1]:
        raise OtherBytes(
            f"'{name}' arrived with other bytes than its server announced",
            hint="run again; if it stays, look for what changes bytes on the way",
        )


def _digest(algorithm: str, text: str) -> bytes | None:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return found if len(found) == hashlib.new(algorithm, usedforsecurity=False).digest_size else None
