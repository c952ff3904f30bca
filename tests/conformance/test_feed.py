"""The Feed port: one suite, every feed, each on the real thing."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from startrail.adapters.feed.folder import FolderFeed
from startrail.adapters.feed.ftp import FtpFeed
from startrail.adapters.feed.http import HttpFeed
from startrail.adapters.store.local import LocalStore
from startrail.base.errors import SourceError
from startrail.base.span import Span
from startrail.capabilities.sources.land import land
from startrail.flow.events import Growing
from startrail.model import source
from startrail.model.delivery import Delivery
from startrail.model.run import Run
from startrail.ports.feed import Feed, FeedForbidden, FeedMissing, FeedUnreachable
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.http import Answer, HttpServer, Request


class Site(Protocol):
    """A far side that a test fills."""

    declared: source.Feed

    def put(self, name: str, content: bytes) -> None: ...

    def feed(self, clock: ManualClock, **changes: object) -> Feed: ...

    def break_after(self, count: int | None) -> None: ...


class _Files:
    """Files in a folder; old ones, unless a test touches them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class FolderSite(_Files):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        root.mkdir()
        self.declared = source.FolderFeed(str(root), pattern="**")

    def feed(self, clock: ManualClock, **changes: object) -> FolderFeed:
        return FolderFeed(_changed(self.declared, changes), Path("/nowhere"), clock)


class FtpSite(_Files):
    def __init__(self, server: FtpServer) -> None:
        super().__init__(server.root)
        self.server = server
        self.declared = source.FtpFeed("127.0.0.1", port=server.port, user=USER, pattern="**", timeout="5s")

    def feed(self, clock: ManualClock, password: str = PASSWORD, **changes: object) -> FtpFeed:
        return FtpFeed(_changed(self.declared, changes), clock, password=password)

    def break_after(self, count: int | None) -> None:
        self.server.break_after = count


class HttpSite:
    """Each file is a page, in order of names; the page after the last does not exist."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.files: dict[str, bytes] = {}
        self.cut: int | None = None
        server.routes["/api"] = self._answer
        self.declared = source.HttpFeed(f"{server.address}/api", format="ndjson", page="page", retries=0, timeout="5s")

    def put(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def feed(self, clock: ManualClock, **changes: object) -> HttpFeed:
        return HttpFeed(_changed(self.declared, changes))

    def break_after(self, count: int | None) -> None:
        self.cut = count

    def _answer(self, request: Request) -> Answer:
        names = sorted(self.files)
        number = int(request.query["page"]) - 1
        if number >= len(names):
            return Answer(status=404)
        content = self.files[names[number]]
        if self.cut is not None and len(content) > self.cut:
            return Answer(content[: self.cut], announce=len(content))
        return Answer(content)


def _changed[T](declared: T, changes: dict[str, object]) -> T: ...
