"""Connections to one SSH server, as many as there are lanes, all driven by one thread.

The library is asynchronous. Its loop runs in a thread of its own, so that answers are taken in while a lane is busy with what it
has; each call is handed over to it, and waited for in the thread that asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable
from concurrent.futures import CancelledError, Future
from typing import NamedTuple, TypeVar

import asyncssh

from startrail.adapters.feed.pool import Pool
from startrail.adapters.ssh.login import CannotLogIn, log_in
from startrail.adapters.ssh.trust import Trust
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.feed import FeedExtraMissing, FeedForbidden

_T = TypeVar("_T")


class Secrets(NamedTuple):
    """Resolved."""

    key: str | None
    passphrase: str | None
    password: str | None


class _Session(NamedTuple):
    connection: asyncssh.SSHClientConnection
    client: asyncssh.SFTPClient


class Sessions:
    """Of one feed. A thread keeps the session it has from :meth:`mine` until :meth:`rest` or :meth:`drop`."""

    def __init__(self, declared: source.SftpFeed, trust: Trust, secrets: Secrets) -> None:
        self._declared, self._trust, self._secrets = declared, trust, secrets
        self._timeout = parse_duration(declared.timeout).total_seconds()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._pool = Pool(
            declared.transfers, open=self._opened, close=self._abort, interrupt=self._abort, refused=_is_enough
        )  # fmt: skip
        self.has_mine, self.rest, self.drop = self._pool.has_mine, self._pool.rest, self._pool.drop

    def mine(self) -> asyncssh.SFTPClient:
        """This thread's session. Raises what connecting raises."""
        return self._pool.mine().client

    def begin(self, work: Awaitable[_T], *, answers: int = 1) -> Future[_T]:
        """Let the loop do it; it may take as long as so many answers may, one after the other."""
        return asyncio.run_coroutine_threadsafe(self._in_time(work, answers), self._running())

    def run(self, work: Awaitable[_T], *, answers: int = 1) -> _T:
        """The same, and wait for it."""
        return ended(self.begin(work, answers=answers))

    def close(self) -> None:
        """Abort every connection; who waits for one in another thread sees it broken."""
        self._pool.close()
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None:
            with contextlib.suppress(OSError, TimeoutError):
                asyncio.run_coroutine_threadsafe(_wound_up(), loop).result(self._timeout)
            loop.call_soon_threadsafe(loop.stop)

    async def _in_time(self, work: Awaitable[_T], answers: int) -> _T:
        async with asyncio.timeout(self._timeout * answers):
            return await work

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_exception_handler(_nobody_asks)
                threading.Thread(target=_turn, args=(self._loop,), name="ssh", daemon=True).start()
            return self._loop

    def _abort(self, session: _Session) -> None:
        with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
            self.run(_aborted(session.connection))

    def _opened(self) -> _Session:
        connection = self.run(self._connected())
        try:
            return _Session(connection, self.run(connection.start_sftp_client(path_encoding=None)))
        except BaseException:
            with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
                self.run(_aborted(connection))
            raise

    async def _connected(self) -> asyncssh.SSHClientConnection:
        try:
            return await log_in(self._declared, self._trust, self._timeout, **self._secrets._asdict())
        except CannotLogIn as error:
            kind = FeedExtraMissing if error.missing else FeedForbidden
            raise kind(error.message, hint=error.hint) from error


def ended(future: Future[_T]) -> _T:
    """Its value, or what it raised. Raises OSError when the connections were closed meanwhile."""
    try:
        return future.result()
    except CancelledError as error:
        raise ConnectionAbortedError("closed from our side") from error


def _nobody_asks(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What becomes of a read that was given up. Without this the loop tells it on standard error, as a traceback."""


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _wound_up() -> None:
    mine = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not mine]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def _aborted(connection: asyncssh.SSHClientConnection) -> None:
    connection.abort()
    await connection.wait_closed()


def _is_enough(error: Exception) -> bool:
    """Servers hang up on connections beyond their limit, or before they have answered so many at once."""
    return isinstance(error, ConnectionError | asyncssh.ConnectionLost | asyncssh.DisconnectError) and not isinstance(
        error, asyncssh.PermissionDenied | asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed
    )
