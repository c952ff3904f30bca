"""Asks the bucket of a store, with the store's own words for a refusal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from startrail.adapters.s3.answer import Answer, Unanswered
from startrail.adapters.s3.api import Account, ask, meant_by
from startrail.adapters.s3.api import unanswered as no_answer
from startrail.adapters.s3.bucket import Bucket
from startrail.adapters.s3.listing import Found
from startrail.adapters.s3.wire import Buffer, Reply, WireError
from startrail.adapters.store.s3.errors import refusal
from startrail.base.errors import ResourceError
from startrail.base.text import printable
from startrail.ports.store import NotStored

UNSIGNED = "UNSIGNED-PAYLOAD"
"""In place of the SHA-256 of what is compared in another way."""
_PICK_UPS = 3


class KeyTaken(Exception):
    """A condition did not hold; the caller says what that means."""


class Client:
    """One account and its connections; safe to share between threads. ``timeout`` in seconds, for each wait."""

    def __init__(self, account: Account, *, timeout: float, retries: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._bucket = Bucket(account, timeout=timeout, retries=retries, sleep=sleep)
        self._account = account

    def send(
        self,
        method: str,
        key: str,
        query: Mapping[str, str] | None = None,
        body: Sequence[bytes] = (),
        *,
        sha256: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer, which is a success. Raises KeyTaken where a condition did not hold."""
        with _errors(key):
            return self._bucket.send(method, key, query, body, sha256=sha256, headers=headers)

    def stream(self, key: str, body: Iterable[Buffer], length: int, headers: Mapping[str, str]) -> Reply:
        """PUT what is not held in memory, so in one try. What ``body`` raises is raised, and the object is not made."""
        answer = self.offer(key, body, length, headers)
        with _errors(key):
            if answer.status >= 300:
                raise Unanswered(meant_by(answer))
        return answer

    def offer(self, key: str, body: Iterable[Buffer], length: int, headers: Mapping[str, str]) -> Reply:
        """The same, with whatever is answered."""
        with _errors(key):
            return ask(self._bucket.wire, self._account, "PUT", key, {}, body, length, UNSIGNED, headers)

    def head(self, key: str) -> Reply | None:
        """What is said of an object; None where there is none, or no bucket."""
        try:
            with _errors(key):
                return self._bucket.send("HEAD", key)
        except NotStored:
            return None

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of an object, or of a range of it, as they come; picked up where they broke off."""
        received, tag = start, ""
        for left in range(_PICK_UPS, -1, -1):
            before = received
            try:
                with _errors(key):
                    headers = {"range": f"bytes={received}-{end - 1 if end is not None else ''}"} if received or end else {}
                    if tag:
                        headers["if-match"] = tag
                    with contextlib.closing(self._bucket.fetch(key, headers=headers)) as found:
                        if "range" in headers and found.status != 206:
                            raise Unanswered(Answer("other", "it sends all of it where a part was asked for"))
                        tag = found.headers.get("ETag", "")
                        for block in found.blocks():
                            received += len(block)
                            yield block
                        return
            except KeyTaken:
                raise refusal(key, Answer("busy", "it was replaced while it was read")) from None
            except ResourceError as error:
                if not error.transient or received == before or not left:
                    raise

    def listed(self, prefix: str) -> Iterator[Found]:
        """All objects whose key begins with ``prefix``."""
        with _errors(prefix):
            yield from self._bucket.listed(prefix)


def unanswered(key: str, told: str) -> ResourceError:
    """The error for what may go better the next time."""
    return refusal(key, Answer("busy", printable(told, 200)))


@contextmanager
def _errors(key: str) -> Iterator[None]:
    try:
        yield
    except WireError as error:
        raise refusal(key, no_answer(error).answer) from error
    except Unanswered as error:
        if error.answer.meaning == "other object":
            raise KeyTaken("the key is taken") from error
        raise refusal(key, error.answer) from error
