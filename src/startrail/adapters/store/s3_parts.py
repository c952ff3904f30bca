"""A stream goes into a bucket under its own key, in parts that are sent side by side, and appears there whole or not at all.

obstore's uploads know no condition for the last step, which would leave only a second copy within the bucket to protect an
object that is already there. So these are four requests of the S3 API: CreateMultipartUpload, UploadPart,
CompleteMultipartUpload (with ``If-None-Match: *``) and AbortMultipartUpload. Every part carries its SHA-256, which the server
compares before it takes it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property
from typing import NamedTuple

import urllib3

from startrail.adapters.store.s3_api import NOTHING, Account, ask, element
from startrail.base.errors import ResourceError
from startrail.base.text import printable
from startrail.ports.store import StoreFailed, StoreForbidden, StoreUnreachable

PART = 8 << 20
_LARGER_AFTER = 1_000
"""A bucket takes 10,000 parts: after so many, parts are by one PART larger, and so on; up to 440 GB in all."""
_AT_ONCE = 8
_UNDER_WAY = 64 << 20
"""Bytes of parts that are being sent, over all uploads of a store."""
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")


class _Part(NamedTuple):
    number: int
    tag: str
    sha256: str


class Uploads:
    """Of one store; safe to share between threads, which together hold no more than a few parts in memory."""

    def __init__(self, account: Account, *, timeout: float, retries: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._account, self._retries, self._sleep = account, retries, sleep
        waits = urllib3.Timeout(connect=min(timeout, 5.0), read=timeout)
        self._pool = urllib3.PoolManager(maxsize=2 * _AT_ONCE, timeout=waits, retries=False)
        self._room = _Room(_UNDER_WAY)

    def put(self, key: str, chunks: Iterable[bytes], *, replace: bool = True) -> bool:
        """False when not to ``replace`` an object that is there. Of a stream that breaks nothing is left."""
        began = {"x-amz-checksum-algorithm": "SHA256"}
        upload = element(self._answer("POST", key, {"uploads": ""}, headers=began), "UploadId")
        sent: list[Future[_Part]] = []
        ended = threading.Event()
        try:
            for number, body in enumerate(_parts(chunks), 1):
                self._fail_early(sent)
                self._room.take(sum(map(len, body)))
                sent.append(self._threads.submit(self._send, key, upload, number, body, ended))
                del body
            return self._complete(key, upload, [part.result() for part in sent], replace)
        except BaseException:
            ended.set()
            self._abort(key, upload, sent)
            raise

    def _complete(self, key: str, upload: str, parts: list[_Part], replace: bool) -> bool:
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{part.tag}</ETag>"
            f"<ChecksumSHA256>{part.sha256}</ChecksumSHA256></Part>"
            for part in parts
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        condition = {} if replace else {"if-none-match": "*"}
        try:
            answer = self._answer("POST", key, {"uploadId": upload}, body=body, headers=condition)
        except _Taken:
            self._abort(key, upload, [])
            return False
        if "<Error>" in answer:  # told after all, in an answer that began as a success
            raise StoreUnreachable(f"the bucket did not finish '{printable(key)}': {printable(element(answer, 'Message'), 200)}")
        return True

    def _send(self, key: str, upload: str, number: int, body: list[bytes], ended: threading.Event) -> _Part:
        try:
            if ended.is_set():
                raise _silent(key, "given up")
            digest = hashlib.sha256()
            for chunk in body:
                digest.update(chunk)
            told = base64.b64encode(digest.digest()).decode()
            query = {"partNumber": str(number), "uploadId": upload}
            headers = self._request("PUT", key, query, body, digest.hexdigest(), {"x-amz-checksum-sha256": told}).headers
            if headers.get("x-amz-checksum-sha256", told) != told or "ETag" not in headers:
                raise StoreUnreachable(f"the bucket has taken other bytes for '{printable(key)}' than were sent to it")
            return _Part(number, headers["ETag"], told)
        finally:
            self._room.give_back(sum(map(len, body)))

    def _abort(self, key: str, upload: str, sent: list[Future[_Part]]) -> None:
        """After the last part of it has arrived: one that comes later would stay."""
        wait(sent)
        with contextlib.suppress(ResourceError):  # what is left is aborted by a later sweep
            self._request("DELETE", key, {"uploadId": upload}, [], NOTHING, {})

    @staticmethod
    def _fail_early(sent: list[Future[_Part]]) -> None:
        for part in sent:
            if part.done():
                part.result()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="part")

    def _answer(self, method: str, key: str, query: dict[str, str], *, body: bytes = b"", headers: dict[str, str]) -> str:
        sha256 = hashlib.sha256(body).hexdigest()
        return self._request(method, key, query, [body], sha256, headers).data.decode("utf-8", "replace")

    def _request(
        self, method: str, key: str, query: dict[str, str], body: list[bytes], sha256: str, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        """Tried again while the server cannot answer for now."""
        for attempt in range(self._retries + 1):
            try:
                answer = ask(self._pool, self._account, method, key, query, body=body, sha256=sha256, headers=headers)
                if answer.status < 300:
                    return answer
                error = _error(key, answer)
            except urllib3.exceptions.HTTPError as broken:
                error = _silent(key, str(broken))
            if not error.transient or attempt == self._retries:
                raise error
            self._sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")


class _Taken(StoreFailed):
    """The condition of a completion did not hold; told to nobody."""


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


def _error(key: str, answer: urllib3.BaseHTTPResponse) -> ResourceError:
    told = answer.data.decode("utf-8", "replace")
    code = element(told, "Code") or str(answer.status)
    shown = printable(key)
    if answer.status == 412:
        return _Taken("the key is taken")
    if answer.status in (409, 429) or answer.status >= 500 or code in ("NoSuchUpload", "RequestTimeout", "BadDigest"):
        return _silent(key, f"{code} {element(told, 'Message')}")
    if code in _REFUSED or answer.status in (401, 403):
        hint = "check the profile's `access_key` and `secret_key`, and the bucket's policy"
        return StoreForbidden(f"the bucket refuses access to '{shown}'", hint=hint)
    if code == "NoSuchBucket":
        return StoreFailed("the bucket of the profile's `store` does not exist", hint="create it, or mend `bucket`")
    message = printable(f"{code} {element(told, 'Message')}", 300)
    hint = "check `bucket`, `region` and `endpoint` of the profile"
    return StoreFailed(f"the bucket refused '{shown}': {message}", hint=hint)


def _silent(key: str, told: str) -> StoreUnreachable:
    return StoreUnreachable(
        f"the bucket did not answer for '{printable(key)}': {printable(told, 300)}", hint="check `endpoint` and the network"
    )
