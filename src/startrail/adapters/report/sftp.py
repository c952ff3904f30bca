"""Delivery to an SSH server: a hidden file beside the final one, its size compared, fsync, rename over the old one."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from posixpath import dirname, join
from typing import TypeVar

import asyncssh

from startrail.adapters.report.errors import (
    CannotReplace,
    DestinationClosed,
    DestinationFailed,
    DestinationFull,
    DestinationUnreachable,
    DestinationUntrusted,
    MissingExtra,
    NoSuchDestination,
)
from startrail.adapters.ssh.login import CannotLogIn, log_in
from startrail.adapters.ssh.trust import KnownHostsUnusable, Trust
from startrail.base.errors import ReportError, SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model.destination import SftpDestination

_T = TypeVar("_T")

_BLOCK = 1 << 20
_HALF = ".startrail-half"
_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory)
_NO_ROOM = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_UNABLE = (asyncssh.SFTPOpUnsupported,)


class SftpFolder:
    """``key``, ``passphrase`` and ``password`` are the resolved secrets; ``project`` is where a relative path starts.

    One connection per delivery. The library is asynchronous: a delivery is driven to its end in the thread that asks.
    """

    def __init__(
        self,
        declared: SftpDestination,
        project: Path,
        *,
        key: str | None = None,
        passphrase: str | None = None,
        password: str | None = None,
    ) -> None:
        self._declared = declared
        self._trust = Trust(declared, project)
        self._secrets = {"key": key, "passphrase": passphrase, "password": password}
        self._timeout = parse_duration(declared.timeout).total_seconds()

    def deliver(self, name: str, write: Callable[[Path], object]) -> str:
        """As the port says. What a killed delivery of this name left behind is removed first."""
        with tempfile.TemporaryDirectory(prefix="startrail-report-") as folder, asyncio.Runner() as runner:
            path = Path(folder) / "report"
            write(path)
            try:
                runner.run(self._delivered(name, path))
            except KnownHostsUnusable as error:
                raise DestinationUntrusted(error.message, affects="nothing was sent to it", hint=error.hint) from error
            except asyncssh.HostKeyNotVerifiable as error:
                shown: SourceError = self._trust.refusal(lambda work: runner.run(_within(work, self._timeout)))
                raise DestinationUntrusted(shown.message, affects=shown.affects, hint=shown.hint) from error
            except CannotLogIn as error:
                kind = MissingExtra if error.missing else DestinationClosed
                raise kind(error.message, hint=error.hint) from error
            except (asyncssh.Error, OSError, TimeoutError) as error:
                raise self._told(error, name) from error
        return f"sftp://{self._declared.host}:{self._declared.port}/{join(self._declared.path, name).lstrip('/')}"

    async def _delivered(self, name: str, path: Path) -> None:
        connection = await log_in(self._declared, self._trust, self._timeout, **self._secrets)
        try:
            client = await _within(connection.start_sftp_client(), self._timeout)
            folder = self._declared.path.rstrip("/") or "/"
            await self._open(client, folder)
            await self._sweep(client, folder, name)
            half = join(folder, f".{name}.{secrets.token_hex(4)}{_HALF}")
            try:
                await self._upload(client, path, half)
                await self._show(client, half, join(folder, name))
            except BaseException:
                with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
                    await _within(client.remove(half), min(self._timeout, 5))
                raise
        finally:
            connection.abort()
            with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
                await _within(connection.wait_closed(), self._timeout)

    async def _open(self, client: asyncssh.SFTPClient, folder: str) -> None:
        if await _within(client.isdir(folder), self._timeout):
            return
        above = dirname(folder) or "."
        if not await _within(client.isdir(above), self._timeout):
            raise NoSuchDestination(
                f"{self._server} has no folder '{printable(above)}' to deliver into", hint="make it there, or correct `path`"
            )
        await _within(client.mkdir(folder), self._timeout)

    async def _sweep(self, client: asyncssh.SFTPClient, folder: str, name: str) -> None:
        pattern = f".{escape(name)}.????????{_HALF}"
        for found in await _within(client.listdir(folder), self._timeout):
            if fnmatchcase(found, pattern):
                await _within(client.remove(join(folder, found)), self._timeout)

    async def _upload(self, client: asyncssh.SFTPClient, path: Path, half: str) -> None:
        file = await _within(client.open(half, "xb"), self._timeout)
        try:
            with path.open("rb") as content:
                place = 0
                while block := content.read(_BLOCK):
                    await _within(file.write(block, place), self._timeout)
                    place += len(block)
            with contextlib.suppress(*_UNABLE):  # a server that does not offer it keeps the bytes as well as it does
                await _within(file.fsync(), self._timeout)
            found = (await _within(file.stat(), self._timeout)).size
            if found != place:
                raise DestinationFailed(f"{self._server} kept {found} of {place} bytes of the report", hint="run again")
        finally:
            with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
                await _within(file.close(), self._timeout)

    async def _show(self, client: asyncssh.SFTPClient, half: str, final: str) -> None:
        try:
            await _within(client.posix_rename(half, final), self._timeout)
        except _UNABLE as error:
            if await _within(client.lexists(final), self._timeout):
                raise CannotReplace(
                    f"{self._server} cannot replace '{printable(final)}' in one stroke",
                    hint="give the report a `file` with {date}, or remove the old file there",
                ) from error
            await _within(client.rename(half, final), self._timeout)

    @property
    def _server(self) -> str:
        return f"the SSH server {printable(self._declared.host, 100)}:{self._declared.port}"

    def _told(self, error: Exception, name: str) -> ReportError:
        """The library's error as one of ours."""
        told = printable(str(error), 120) or type(error).__name__
        folder = printable(self._declared.path)
        if isinstance(error, asyncssh.PermissionDenied):
            hint = "check `user`, and the secrets that `key` or `password` refer to"
            return DestinationClosed(f"{self._server} refuses the user '{printable(self._declared.user)}'", hint=hint)
        if isinstance(error, (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)):
            return DestinationClosed(f"{self._server} does not let this user write in '{folder}'", hint="have its rights changed")
        if isinstance(error, _GONE):
            return NoSuchDestination(f"{self._server} has no folder '{folder}'", hint="make it there, or correct `path`")
        if isinstance(error, _NO_ROOM) or (isinstance(error, asyncssh.SFTPFailure) and "space" in told.lower()):
            return DestinationFull(f"{self._server} has no room for '{printable(name)}'", hint="free some space and run again")
        lost = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
        if isinstance(error, asyncssh.SFTPError) and not isinstance(error, lost):
            return DestinationFailed(f"{self._server} refused '{printable(name)}': {told}", hint="see the server's log")
        return DestinationUnreachable(
            f"{self._server} does not answer, or broke off: {told}", hint="check `host`, `port` and the network"
        )


async def _within(work: Awaitable[_T], seconds: float) -> _T:
    return await asyncio.wait_for(work, seconds)
