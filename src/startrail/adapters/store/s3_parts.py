"""A stream goes into a bucket in parts that are sent side by side, and appears there whole or not at all.

CreateMultipartUpload, UploadPart, CompleteMultipartUpload and AbortMultipartUpload of the S3 API. Every part carries its
SHA-256 where the bucket compares that before it takes it; else its MD5, which its ETag has to be. Against obstore's uploads that
costs processor time, and buys bytes that are known to be there, and memory that is counted over all uploads of a store.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property
from typing import NamedTuple

from startrail.adapters.s3.api import element
from startrail.adapters.store.s3_client import Client, refused, unanswered
from startrail.adapters.store.s3_sums import SHA256, Sums, encoded
from startrail.adapters.store.s3_whole import hexdigest, wrong_bytes
from startrail.base.errors import ResourceError

PART = 8 << 20
_LARGER_AFTER = 1_000
"""A bucket takes 10,000 parts: after so many, parts are by one PART larger, and so on; up to 440 GB in all."""
_AT_ONCE = 8
_UNDER_WAY = 64 << 20
"""Bytes of parts that are being sent, over all uploads of a store."""
_LARGE = 1 << 30
"""What comes in parts is large, however large it is."""


class _Part(NamedTuple):
    """``sha256`` as the S3 API writes it, where the bucket has compared it."""

    number: int
    tag: str
    sha256: str | None


class Parts:
    """Of one store; safe to share between threads, which together hold no more than a few parts in memory."""

    def __init__(self, client: Client, sums: Sums) -> None:
        self._client, self._sums = client, sums
        self._room = _Room(_UNDER_WAY)

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write or replace. Of a stream that breaks nothing is left."""
        compares = self._sums.compares(_LARGE)
        algorithm = {"x-amz-checksum-algorithm": "SHA256"} if compares else {}
        begun = self._client.send("POST", key, {"uploads": ""}, headers=algorithm)
        upload = element(begun.data.decode(), "UploadId")
        sent: list[Future[_Part]] = []
        ended = threading.Event()
        try:
            for number, body in enumerate(_parts(chunks), 1):
                self._fail_early(sent)
                self._room.take(sum(map(len, body)))
                sent.append(self._threads.submit(self._send, key, upload, number, body, compares, ended))
                del body
            self._complete(key, upload, [part.result() for part in sent])
        except BaseException as error:
            ended.set()
            if compares and isinstance(error, ResourceError):
                self._sums.doubt()
            self._abort(key, upload, sent)
            raise

    def _complete(self, key: str, upload: str, parts: list[_Part]) -> None:
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{part.tag}</ETag>"
            + (f"<ChecksumSHA256>{part.sha256}</ChecksumSHA256>" if part.sha256 else "")
            + "</Part>"
            for part in parts
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        answer = self._client.send("POST", key, {"uploadId": upload}, [body])
        if b"<Error>" in answer.data:  # told after all, in an answer that began as a success
            raise refused(key, answer)

    def _send(self, key: str, upload: str, number: int, body: list[bytes], compares: bool, ended: threading.Event) -> _Part:
        try:
            if ended.is_set():
                raise unanswered(key, "given up")
            query = {"partNumber": str(number), "uploadId": upload}
            if compares:
                return self._compared_there(key, query, body, number)
            return self._compared_here(key, query, body, number)
        finally:
            self._room.give_back(sum(map(len, body)))

    def _compared_there(self, key: str, query: dict[str, str], body: list[bytes], number: int) -> _Part:
        sha256 = hexdigest(hashlib.sha256(), body)
        told = encoded(sha256)
        answer = self._client.send("PUT", key, query, body, sha256=sha256, headers={SHA256: told}).headers
        if answer.get(SHA256) != told:
            raise wrong_bytes(key)
        return _Part(number, answer["ETag"], told)

    def _compared_here(self, key: str, query: dict[str, str], body: list[bytes], number: int) -> _Part:
        md5 = hexdigest(hashlib.md5(usedforsecurity=False), body)
        signed = "UNSIGNED-PAYLOAD" if self._sums.tags_are_md5 else hexdigest(hashlib.sha256(), body)
        headers = {"content-md5": encoded(md5)}
        tag = self._client.send("PUT", key, query, body, sha256=signed, headers=headers).headers.get("ETag", "")
        if not tag or self._sums.tag_of(tag) not in (None, md5):
            raise wrong_bytes(key)
        return _Part(number, tag, None)

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
