"""A stream goes into a bucket in parts that are sent side by side, and appears there whole or not at all.

CreateMultipartUpload, UploadPart, CompleteMultipartUpload and AbortMultipartUpload of the S3 API. Every part carries its CRC-32
or SHA-256, where the bucket compares that before it takes it; else its MD5, which its ETag has to be. Against obstore's uploads
that costs processor time, and buys bytes that are known to be there, and memory that is counted over all uploads of a store.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property
from typing import Literal, NamedTuple

from startrail.adapters.s3.xml import element
from startrail.adapters.store.s3.client import UNSIGNED, Client, unanswered
from startrail.adapters.store.s3.sums import CRC32, SHA256, Sums, encoded, encoded_crc32
from startrail.adapters.store.s3.whole import hexdigest, wrong_bytes
from startrail.base.errors import ResourceError

PART = 8 << 20
_LARGER_AFTER = 1_000
"""A bucket takes 10,000 parts: after so many, parts are by one PART larger, and so on; up to 440 GB in all."""
_AT_ONCE = 8
_UNDER_WAY = 64 << 20
"""Bytes of parts that are being sent, over all uploads of a store."""
_LARGE = 1 << 30
"""What comes in parts is large, however large it is."""


_Algorithm = Literal["CRC32", "SHA256"]


class _Part(NamedTuple):
    """``sum``: as an element of the S3 API, where the bucket has compared it."""

    number: int
    tag: str
    sum: str


class Parts:
    """Of one store; safe to share between threads, which together hold no more than a few parts in memory."""

    def __init__(self, client: Client, sums: Sums) -> None:
        self._client, self._sums = client, sums
        self._room = _Room(_UNDER_WAY)

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write or replace. Of a stream that breaks nothing is left."""
        algorithm = self._algorithm()
        named = {"x-amz-checksum-algorithm": algorithm} if algorithm is not None else {}
        begun = self._client.send("POST", key, {"uploads": ""}, headers=named)
        upload = element(begun.data.decode(), "UploadId")
        sent: list[Future[_Part]] = []
        ended = threading.Event()
        try:
            for number, body in enumerate(_parts(chunks), 1):
                self._fail_early(sent)
                self._room.take(sum(map(len, body)))
                sent.append(self._threads.submit(self._send, key, upload, number, body, algorithm, ended))
                del body
            self._complete(key, upload, [part.result() for part in sent])
        except BaseException as error:
            ended.set()
            if algorithm is not None and isinstance(error, ResourceError):
                self._sums.doubt()
            self._abort(key, upload, sent)
            raise

    def _algorithm(self) -> _Algorithm | None:
        """By which sum the bucket compares parts."""
        if not self._sums.compares(_LARGE):
            return None
        return "CRC32" if self._sums.compares_crc32() else "SHA256"

    def _complete(self, key: str, upload: str, parts: list[_Part]) -> None:
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{part.tag}</ETag>{part.sum}</Part>" for part in parts
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        self._client.send("POST", key, {"uploadId": upload}, [body])

    def _send(
        self, key: str, upload: str, number: int, body: list[bytes], algorithm: _Algorithm | None, ended: threading.Event
    ) -> _Part:
        try:
            if ended.is_set():
                raise unanswered(key, "given up")
            query = {"partNumber": str(number), "uploadId": upload}
            if algorithm is not None:
                return self._compared_there(key, query, body, number, algorithm)
            return self._compared_here(key, query, body, number)
        finally:
            self._room.give_back(sum(map(len, body)))

    def _compared_there(self, key: str, query: dict[str, str], body: list[bytes], number: int, algorithm: _Algorithm) -> _Part:
        if algorithm == "CRC32":
            header, signed, told = CRC32, UNSIGNED, encoded_crc32(_crc32(body))
        else:
            signed = hexdigest(hashlib.sha256(), body)
            header, told = SHA256, encoded(signed)
        answer = self._client.send("PUT", key, query, body, sha256=signed, headers={header: told}).headers
        if answer.get(header) != told:
            raise wrong_bytes(key)
        return _Part(number, answer["ETag"], f"<Checksum{algorithm}>{told}</Checksum{algorithm}>")

    def _compared_here(self, key: str, query: dict[str, str], body: list[bytes], number: int) -> _Part:
        md5 = hexdigest(hashlib.md5(usedforsecurity=False), body)
        signed = UNSIGNED if self._sums.tags_are_md5 else hexdigest(hashlib.sha256(), body)
        headers = {"content-md5": encoded(md5)}
        tag = self._client.send("PUT", key, query, body, sha256=signed, headers=headers).headers.get("ETag", "")
        if not tag or self._sums.tag_of(tag) not in (None, md5):
            raise wrong_bytes(key)
        return _Part(number, tag, "")

    def _abort(self, key: str, upload: str, sent: list[Future[_Part]]) -> None:
        """After the last part of it has arrived: one that comes later would stay."""
        wait(sent)
        with contextlib.suppress(ResourceError):  # what is left is aborted by a later sweep
            self._client.send("DELETE", key, {"uploadId": upload})

    @staticmethod
    def _fail_early(sent: list[Future[_Part]]) -> None:
        for part in sent:
            if part.done():
                part.result()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="part")


def _parts(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """At least one, each as the chunks it came in: to join them would touch all of it once more."""
    held: list[bytes] = []
    size = count = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PART * (1 + count // _LARGER_AFTER):
            yield held
            held, size, count = [], 0, count + 1
    if held or not count:
        yield held


def _crc32(body: list[bytes]) -> int:
    value = 0
    for chunk in body:
        value = zlib.crc32(chunk, value)
    return value


class _Room:
    """So many bytes at a time; one that is larger than all of it goes alone."""

    def __init__(self, most: int) -> None:
        self._most, self._used = most, 0
        self._change = threading.Condition()

    def take(self, size: int) -> None:
        with self._change:
            self._change.wait_for(lambda: not self._used or self._used + size <= self._most)
            self._used += size

    def give_back(self, size: int) -> None:
        with self._change:
            self._used -= size
            self._change.notify_all()
