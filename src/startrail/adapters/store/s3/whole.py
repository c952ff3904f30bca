"""An object in one PUT: from memory, or as a stream whose size is known. Its answer shows whether the bucket has these bytes.

An ETag is the MD5 of such an object, except where a bucket encrypts with a key of its own. Which of the two it is shows at the
first one that differs: the object is read back then. When it is right after all, this bucket's ETags say nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from startrail.adapters.s3.wire import Reply
from startrail.adapters.store.s3.client import Client, KeyTaken
from startrail.adapters.store.s3.sums import SHA256, Sums, encoded, framed, framed_size, trailing
from startrail.base.errors import ResourceError
from startrail.base.text import printable

Digest = Callable[[], str]
"""The SHA-256 of a stream that has ended, in hexadecimal."""
_CHANGED = "run again; if it stays, look for what changes bytes on the way to the bucket"
_OTHER = "run again; if it stays, ask whoever writes the file whether it is still being written"


class WrongBytesStored(ResourceError):
    """The store answered that it has other bytes than were sent to it. Nothing counts as stored.

    It is tried again. If it stays: something between here and the store, or the store itself, changes bytes.
    """

    code = "ST607"
    transient = True


def wrong_bytes(key: str) -> WrongBytesStored:
    return WrongBytesStored(f"the bucket has other bytes under '{printable(key)}' than were sent to it", hint=_CHANGED)


class OtherSize(ResourceError):
    """A stream had another size than was announced, so nothing of it was stored.

    It is tried again: the file may have changed while it was read.
    """

    code = "ST608"
    transient = True


class Whole:
    """Of one store; safe to share between threads."""

    def __init__(self, client: Client, sums: Sums) -> None:
        self._client, self._sums = client, sums

    def put(self, key: str, pieces: Sequence[bytes], *, replace: bool = True, digest: Digest | None = None) -> bool:
        """From memory, tried again as often as need be. False when not to ``replace`` an object that is there."""
        sha256 = digest() if digest is not None else hexdigest(hashlib.sha256(), pieces)
        compares = self._sums.compares(sum(map(len, pieces)))
        md5 = None if compares else hexdigest(hashlib.md5(usedforsecurity=False), pieces)
        headers = {SHA256: encoded(sha256)} if md5 is None else {"content-md5": encoded(md5)}
        try:
            answer = self._client.send("PUT", key, {}, pieces, sha256=sha256, headers=headers | _condition(replace))
        except KeyTaken:
            return False
        except ResourceError:
            if compares:
                self._sums.doubt()
            raise
        self._agree(key, answer, md5, sha256)
        return True

    def stream(self, key: str, chunks: Iterable[bytes], size: int, *, replace: bool = True, digest: Digest | None = None) -> bool:
        """The same for what passes by. Of a stream that breaks, or has another size, nothing is left."""
        compares = self._sums.compares(size)
        passing = _Passing(chunks, size, md5=not compares, sha256=digest is None)
        digest = digest or passing.sha256
        try:
            if compares:
                body, headers = framed(passing, size, digest), trailing(size)
                answer = self._client.stream(key, body, framed_size(size), headers | _condition(replace))
            else:
                answer = self._client.stream(key, passing, size, _condition(replace))
        except KeyTaken:
            for _ in passing:  # whoever reads it wants to know what it was
                pass
            return False
        except ResourceError as error:
            if compares and not isinstance(error, OtherSize):
                self._sums.doubt()
            raise
        self._agree(key, answer, None if compares else passing.md5(), digest())
        return True

    def _agree(self, key: str, answer: Reply, md5: str | None, sha256: str) -> None:
        """``md5``: None where the bucket has compared the SHA-256, and says so."""
        if md5 is None and answer.headers.get(SHA256) == encoded(sha256):
            return
        if md5 is not None and self._sums.tag_of(answer.headers.get("ETag", "")) in (None, md5):
            return
        stored = hashlib.sha256(self._client.send("GET", key, {}).data).hexdigest()
        if md5 is None:
            self._sums.doubt()
        elif stored == sha256:
            self._sums.tags_are_md5 = False
        if stored != sha256:
            self._client.send("DELETE", key, {})
            raise wrong_bytes(key)


class _Passing:
    """Chunks that are counted, and digested as far as is asked; iterated on where an earlier iteration ended."""

    def __init__(self, chunks: Iterable[bytes], size: int, *, md5: bool, sha256: bool) -> None:
        self._chunks, self._left = iter(chunks), size
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self._digests = [*([self._md5] if md5 else []), *([self._sha256] if sha256 else [])]

    def md5(self) -> str:
        return self._md5.hexdigest()

    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._left -= len(chunk)
            if self._left < 0:
                for _ in self._chunks:  # the feed may know better what is wrong
                    pass
                raise OtherSize(f"{-self._left} bytes more came than were announced", hint=_OTHER)
            for digest in self._digests:
                digest.update(chunk)
            yield chunk
        if self._left:
            raise OtherSize(f"{self._left} bytes fewer came than were announced", hint=_OTHER)


def _condition(replace: bool) -> dict[str, str]:
    return {} if replace else {"if-none-match": "*"}


def hexdigest(digest: hashlib._Hash, pieces: Iterable[bytes]) -> str:
    """Of all pieces, one after the other."""
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
