"""How a bucket shows which bytes it has: it compares a SHA-256 before it takes them, or its ETag is their MD5.

The SHA-256 is what whoever stores a file knows anyway, MD5 costs twice as much. But servers may take a checksum without
comparing it, or store the frame that a trailing one comes in. So a bucket is asked with a false one: only who refuses it, and
for this reason, compares. Whoever does is held to it: each of its answers has to name the checksum.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from startrail.adapters.s3.wire import Buffer
from startrail.adapters.s3.xml import element
from startrail.adapters.store.s3.client import Client
from startrail.base.errors import ResourceError

SHA256: Final = "x-amz-checksum-sha256"
CRC32: Final = "x-amz-checksum-crc32"
_WORTH_ASKING = 32 << 20
"""Bytes of which MD5 is cheaper than to ask."""
_FRAME = 1 << 20
_DIFFERS = frozenset(("BadDigest", "XAmzContentChecksumMismatch"))
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class Sums:
    """Of one store; safe to share between threads. ``aside`` makes a key that nobody uses."""

    def __init__(self, client: Client, aside: Callable[[str], str]) -> None:
        self._client, self._aside = client, aside
        self._compares: bool | None = None
        self._compares_crc32: bool | None = None
        self._passed = 0
        self._asking = threading.Lock()
        self.tags_are_md5 = True

    def compares(self, size: int) -> bool:
        """Whether the bucket will compare a SHA-256 of the next ``size`` bytes. Asks it as soon as that is worth it."""
        self._passed += size
        if self._compares is None and self._passed > _WORTH_ASKING:
            with self._asking:
                if self._compares is None:
                    content = b"?"
                    body = framed([content], len(content), hashlib.sha256(b"!").hexdigest)
                    self._compares = self._refuses(body, framed_size(len(content)), trailing(len(content)))
        return self._compares is True

    def compares_crc32(self) -> bool:
        """Whether it does so with a CRC-32 too, which costs a fraction where the SHA-256 is not known anyway: of parts."""
        with self._asking:
            if self._compares_crc32 is None:
                self._compares_crc32 = self._compares is True and self._refuses(
                    [b"?"], 1, {CRC32: encoded_crc32(zlib.crc32(b"!"))}
                )
        return self._compares_crc32

    def doubt(self) -> None:
        """It did not do what it was expected to: from now on its ETags are compared."""
        self._compares = self._compares_crc32 = False

    def tag_of(self, tag: str) -> str | None:
        """The MD5 in an ETag, where there is one."""
        told = _MD5.fullmatch(tag)
        return told[1] if told is not None and self.tags_are_md5 else None

    def _refuses(self, body: Iterable[Buffer], length: int, headers: dict[str, str]) -> bool:
        """Such an upload, because its sum is false."""
        key = self._aside(secrets.token_hex(12))
        try:
            answer = self._client.offer(key, body, length, headers)
            if answer.status < 300:
                self._client.send("DELETE", key, {})
        except ResourceError:
            return False
        return answer.status == 400 and element(answer.data.decode("utf-8", "replace"), "Code") in _DIFFERS


def encoded(sha256: str) -> str:
    """A digest in hexadecimal as the headers of the S3 API have it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def encoded_crc32(value: int) -> str:
    """The same for a CRC-32."""
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def trailing(size: int) -> dict[str, str]:
    """The headers of a body of ``size`` bytes whose SHA-256 comes at its end (Amazon S3 User Guide, "Signature calculations
    for trailing headers")."""
    return {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": str(size),
        "x-amz-trailer": SHA256,
    }


def framed_size(size: int) -> int:
    """How long :func:`framed` makes a body of ``size`` bytes."""
    whole, rest = divmod(size, _FRAME)
    framed_rest = len(f"{rest:x}") + rest + 4 if rest else 0
    return whole * (len(f"{_FRAME:x}") + _FRAME + 4) + framed_rest + len(f"0\r\n{SHA256}:\r\n\r\n") + 44


def framed(chunks: Iterable[bytes], size: int, sha256: Callable[[], str]) -> Iterator[Buffer]:
    """A body of ``size`` bytes in frames, and what ``sha256`` says when all of it has passed."""
    left, room = size, 0
    before = b""
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            if not room:
                room = min(left, _FRAME)
                yield before + f"{room:x}\r\n".encode()
                before = b"\r\n"
            piece, view = view[:room], view[room:]
            yield piece
            room -= len(piece)
            left -= len(piece)
    yield before + f"0\r\n{SHA256}:{encoded(sha256())}\r\n\r\n".encode()
