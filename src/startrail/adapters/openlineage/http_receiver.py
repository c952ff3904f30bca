"""Events posted to an HTTP endpoint."""

from __future__ import annotations

from functools import cached_property
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from startrail.adapters.tls import trust
from startrail.base.text import printable
from startrail.ports.openlineage import EventRefused, ReceiverAway

_NEVER = frozenset({400, 409, 413, 415, 422})
"""Answers that mean this one event, whenever it comes."""


class HttpReceiver:
    """Posts each event. Follows no redirect, so that the token goes nowhere else."""

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "User-Agent": "startrail"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout = Timeout(total=timeout)
        parts = urlsplit(url)
        self.name = printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")

    def take(self, event: bytes) -> None:
        try:
            answer = self._pool.request(
                "POST", self._url, body=event, headers=self._headers, timeout=self._timeout, retries=False, redirect=False
            )
        except (HTTPError, ValueError) as error:
            raise ReceiverAway(f"{self.name} does not answer: {printable(str(error), 160)}") from error
        if answer.status in _NEVER:
            raise EventRefused(f"{self.name} refused an event: it answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise ReceiverAway(f"{self.name} answered {answer.status}")

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        """Made when there is something to post: to read all authorities takes a while."""
        return urllib3.PoolManager(maxsize=1, ssl_context=trust() if self._url.startswith("https:") else None)
