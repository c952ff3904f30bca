"""A bucket of any S3 API: asked again while it cannot answer for now, and never followed to where it redirects."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from startrail.adapters.s3 import listing
from startrail.adapters.s3.answer import Unanswered
from startrail.adapters.s3.api import Account, ask, fetch, meant_by, patiently
from startrail.adapters.s3.wire import Reply, Stream, Wire

T = TypeVar("T")


class Bucket:
    """One account and its connections; safe to share between threads. ``timeout`` in seconds, for each wait."""

    def __init__(self, account: Account, *, timeout: float, retries: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self.account, self._retries, self._sleep = account, retries, sleep
        self.wire = Wire(account.endpoint, timeout=timeout)

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
        """The answer, which is a success; also where it is told after all, in an answer that began as one, that it is none.
        Raises Unanswered."""
        digest = sha256 if sha256 is not None else hashlib.sha256(b"".join(body)).hexdigest()
        length = sum(map(len, body))

        def asked() -> Reply:
            reply = ask(self.wire, self.account, method, key, query or {}, body, length, digest, headers)
            if reply.status >= 300 or (method in ("PUT", "POST") and b"<Error>" in reply.data):
                raise Unanswered(meant_by(reply))
            return reply

        return self.patiently(asked)

    def fetch(self, key: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Stream:
        """An object whose bytes are still to be read, and that has to be closed. Raises Unanswered."""
        return self.patiently(lambda: fetch(self.wire, self.account, key, query or {}, headers or {}))

    def listed(self, prefix: str) -> Iterator[listing.Found]:
        """All objects whose key begins with ``prefix``, by the names they have there. Raises Unanswered."""
        return listing.listed(self.wire, self.account, prefix, retries=self._retries, sleep=self._sleep)

    def patiently(self, call: Callable[[], T]) -> T:
        """What ``call`` returns, which is tried again while the bucket cannot answer for now."""
        return patiently(call, self._retries, self._sleep)

    def close(self) -> None:
        """For good; who waits for an answer sees its connection broken."""
        self.wire.close()
