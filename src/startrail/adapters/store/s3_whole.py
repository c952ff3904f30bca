"""An object in one PUT: from memory, or as a stream whose size is known. The server's ETag tells whether it has these bytes.

An ETag is the MD5 of such an object, except where a bucket encrypts with a key of its own. Which of the two it is shows at the
first one that differs: the object is read back then. When it is right after all, this bucket's ETags say nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

from startrail.adapters.store.s3_client import Client, KeyTaken
from startrail.base.errors import ResourceError
from startrail.base.text import printable

_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class WrongBytesStored(ResourceError):
    """The store answered that it has other bytes than were sent to it. Nothing counts as stored.

    It is tried again. If it stays: something between here and the store, or the store itself, changes bytes.
    """

    code = "ST607"
    transient = True


def wrong_bytes(key: str) -> WrongBytesStored:
    return WrongBytesStored(f"the bucket has other bytes under '{printable(key)}' than were sent to it", hint="run again")


class OtherSize(ResourceError):
    """A stream had another size than was announced, so nothing of it was stored.

    It is tried again: the file may have changed while it was read.
    """

    code = "ST608"
    transient = True


class Whole:
    """Of one store; safe to share between threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tags_are_md5 = True

    def put(self, key: str, pieces: Sequence[bytes], *, replace: bool = True) -> bool:
        """From memory, tried again as often as need be. False when not to ``replace`` an object that is there."""
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for piece in pieces:
            sha256.update(piece)
            md5.update(piece)
        headers = {"content-md5": base64.b64encode(md5.digest()).decode()} | _condition(replace)
        try:
            answer = self._client.send("PUT", key, {}, pieces, sha256=sha256.hexdigest(), headers=headers)
        except KeyTaken:
            return False
        self._agree(key, answer.headers.get("ETag", ""), md5.hexdigest(), sha256.hexdigest())
        return True

    def stream(self, key: str, chunks: Iterable[bytes], size: int, *, replace: bool = True) -> bool:
        """The same for what passes by. Of a stream that breaks, or has another size, nothing is left."""
        passing = _Passing(chunks, size)
        try:
            answer = self._client.stream(key, passing, size, _condition(replace))
        except KeyTaken:
            for _ in passing:  # whoever reads it wants to know what it was
                pass
            return False
        self._agree(key, answer.headers.get("ETag", ""), passing.md5.hexdigest(), passing.sha256.hexdigest())
        return True

    def may_have(self, tag: str, body: Iterable[bytes]) -> bool:
        """Whether this ETag can be that of these bytes."""
        told = _MD5.fullmatch(tag)
        if told is None or not self._tags_are_md5:
            return tag != ""
        md5 = hashlib.md5(usedforsecurity=False)
        for piece in body:
            md5.update(piece)
        return told[1] == md5.hexdigest()

    def _agree(self, key: str, tag: str, md5: str, sha256: str) -> None:
        told = _MD5.fullmatch(tag)
        if told is None or told[1] == md5 or not self._tags_are_md5:
            return
        stored = hashlib.sha256(self._client.send("GET", key, {}).data)
        if stored.hexdigest() == sha256:
            self._tags_are_md5 = False
            return
        self._client.send("DELETE", key, {})
        raise wrong_bytes(key)


class _Passing:
    """Chunks that are counted and digested; iterated on where an earlier iteration ended."""

    def __init__(self, chunks: Iterable[bytes], size: int) -> None:
        self._chunks, self._left = iter(chunks), size
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._left -= len(chunk)
            if self._left < 0:
                for _ in self._chunks:  # the feed may know better what is wrong
                    pass
                raise OtherSize(f"{-self._left} bytes more came than were announced", hint="run again")
            self.sha256.update(chunk)
            self.md5.update(chunk)
            yield chunk
        if self._left:
            raise OtherSize(f"{self._left} bytes fewer came than were announced", hint="run again")


def _condition(replace: bool) -> dict[str, str]:
    return {} if replace else {"if-none-match": "*"}
