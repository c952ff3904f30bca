"""Asks a bucket for what obstore has no call for: again while it cannot answer for now, and with our words for a refusal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from startrail.adapters.s3.answer import Answer
from startrail.adapters.s3.api import NOTHING, Account, ask, broken, meant_by
from startrail.adapters.s3.wire import Buffer, Reply, Wire, WireError
from startrail.adapters.store.s3.errors import refusal
from startrail.base.errors import ResourceError
from startrail.base.text import printable

UNSIGNED = "UNSIGNED-PAYLOAD"
"""In place of the SHA-256 of what is compared in another way."""

T = TypeVar("T")


class KeyTaken(Exception):
    """A condition did not hold; the caller says what that means."""


class Client:
    """One account and its connections; safe to share between threads. ``timeout`` in seconds, for each wait."""

    def __init__(self, account: Account, *, timeout: float, retries: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._account, self._retries, self._sleep = account, retries, sleep
        self._wire = Wire(account.endpoint, timeout=timeout)

    def send(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: Sequence[bytes] = (),
        *,
        sha256: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer, which is a success. Raises KeyTaken where a condition did not hold."""
        digest = sha256 if sha256 is not None else hashlib.sha256(b"".join(body)).hexdigest()
        length = sum(map(len, body))
        return self._patiently(lambda: _good(key, self._once(method, key, query, body, length, digest, headers)))

    def stream(self, key: str, body: Iterable[Buffer], length: int, headers: Mapping[str, str]) -> Reply:
        """PUT what is not held in memory, so in one try. What ``body`` raises is raised, and the object is not made."""
        return _good(key, self.offer(key, body, length, headers))

    def offer(self, key: str, body: Iterable[Buffer], length: int, headers: Mapping[str, str]) -> Reply:
        """The same, with whatever is answered."""
        return self._once("PUT", key, {}, body, length, UNSIGNED, headers)

    def found(self, key: str) -> bool:
        """Whether there is such an object; False also where there is no bucket."""

        def asked() -> bool:
            answer = self._once("HEAD", key, {}, (), 0, NOTHING, None)
            if answer.status == 404:
                return False
            _good(key, answer)
            return True

        return self._patiently(asked)

    def _once(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: Iterable[Buffer],
        length: int,
        sha256: str,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        try:
            return ask(self._wire, self._account, method, key, query, body, length, sha256, headers)
        except WireError as error:
            raise unanswered(key, broken(error)) from error

    def _patiently(self, call: Callable[[], T]) -> T:
        for attempt in range(self._retries + 1):
            try:
                return call()
            except ResourceError as error:
                if not error.transient or attempt == self._retries:
                    raise
            self._sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")


def _good(key: str, answer: Reply) -> Reply:
    if answer.status == 412:
        raise KeyTaken("the key is taken")
    if answer.status >= 300:
        raise refused(key, answer)
    return answer


def unanswered(key: str, told: str) -> ResourceError:
    """The error for what may go better the next time."""
    return refusal(key, Answer("busy", printable(told, 200)))


def refused(key: str, reply: Reply) -> ResourceError:
    """The error for an answer that is no success, or only looks like one."""
    return refusal(key, meant_by(reply))
