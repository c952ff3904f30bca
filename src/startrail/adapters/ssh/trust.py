"""Whom an SSH connection trusts: a declared host key or a known_hosts file, and nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import asyncssh

from startrail.base.errors import SourceError
from startrail.base.text import printable


class HostKeyUnknown(SourceError):
    """The host key of an SSH server is not known, so nothing was sent to it.

    Ask the server's administrator for the fingerprint of its key and compare it with the one in the message. When they
    are the same, add the key to the known_hosts file, or declare it as ``host_key`` in the source's feed.
    """

    code = "ST212"


class HostKeyChanged(SourceError):
    """An SSH server shows another host key than the one that is known for it. Nothing was sent to it.

    Either its key was replaced, or somebody stands between. Ask its administrator before you replace the known key.
    """

    code = "ST213"


class KnownHostsUnusable(SourceError):
    """The known_hosts file or the declared ``host_key`` cannot be used.

    Mend ``known_hosts`` or ``host_key`` where the server is declared; a key is written as ``ssh-ed25519 AAAA...``.
    """

    code = "ST214"


class Server(Protocol):
    """What a declaration says of an SSH server."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def known_hosts(self) -> str | None: ...
    @property
    def host_key(self) -> str | None: ...


class Trust:
    """Of one server. ``project`` is where a relative ``known_hosts`` starts."""

    def __init__(self, declared: Server, project: Path) -> None:
        self._declared = declared
        self._file = project / declared.known_hosts if declared.known_hosts else Path.home() / ".ssh" / "known_hosts"

    def known_hosts(self) -> asyncssh.SSHKnownHosts:
        """What to hold the server's key against. Raises KnownHostsUnusable."""
        try:
            if self._declared.host_key:  # the library passes over what it cannot read
                asyncssh.import_public_key(self._declared.host_key.strip())
            return asyncssh.import_known_hosts(self._text())
        except (ValueError, asyncssh.KeyImportError) as error:
            what = "`host_key`" if self._declared.host_key else f"{printable(str(self._file))}"
            raise KnownHostsUnusable(
                f"{what} holds no host key that can be read", hint="write it as ssh-ed25519 AAAA..."
            ) from error

    def algorithms(self) -> list[str] | tuple[()]:
        """Kinds of key to ask the server for: the known ones first, since it shows only one of its keys."""
        keys = self._known_keys()
        known = [name for key in keys for name in _algorithms_of(key.algorithm.decode())]
        return list(dict.fromkeys(known)) or ()

    async def is_of_another_kind(self) -> bool:
        """Whether the server has keys, and none of the known kinds: it hangs up when it is asked for one of these."""
        known = self.algorithms()
        return bool(known) and await self._key(known) is None and await self._key() is not None

    def refusal(self, run: Callable[[Awaitable[Any]], Any]) -> SourceError:
        """Why the server was not trusted, with the fingerprint that it shows now."""
        host, port = self._declared.host, self._declared.port
        where = host if port == 22 else f"-p {port} {host}"
        shown = self._shown(run)
        if self._known_keys():
            return HostKeyChanged(
                f"the SSH server {host}:{port} shows another key than the known one: {shown}",
                affects="nothing was sent to it",
                hint="ask its administrator whether the key was replaced, before you replace it in "
                + ("`host_key`" if self._declared.host_key else str(self._file)),
            )
        return HostKeyUnknown(
            f"the SSH server {host}:{port} is not known; it shows {shown}",
            affects="nothing was sent to it",
            hint=f"compare with its administrator, then: ssh-keyscan {where} >> {self._file}",
        )

    def _known_keys(self) -> list[asyncssh.SSHKey]:
        declared = self._declared
        found = self.known_hosts().match(declared.host, "", declared.port)
        return [*found[0], *found[1]]

    def _text(self) -> str:
        declared = self._declared
        if declared.host_key:
            host = declared.host if declared.port == 22 else f"[{declared.host}]:{declared.port}"
            return f"{host} {declared.host_key.strip()}\n"
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""  # nobody is known yet
        except (OSError, UnicodeError) as error:
            raise KnownHostsUnusable(f"{printable(str(self._file))} cannot be read", hint="check `known_hosts`") from error

    def _shown(self, run: Callable[[Awaitable[Any]], Any]) -> str:
        try:
            key = run(self._key())
        except (OSError, TimeoutError):
            key = None
        return "a key that could not be read again" if key is None else f"{key.get_algorithm()} {key.get_fingerprint()}"

    async def _key(self, kinds: list[str] | tuple[()] = ()) -> asyncssh.SSHKey | None:
        """The one that the server shows when it is asked for these kinds, or for any; None when it shows none."""
        declared = self._declared
        try:
            return await asyncssh.get_server_host_key(declared.host, declared.port, config=None, server_host_key_algs=kinds)
        except (OSError, asyncssh.Error):
            return None


def _algorithms_of(name: str) -> list[str]:
    """An RSA key signs in newer ways than its own name says."""
    return ["rsa-sha2-512", "rsa-sha2-256"] if name == "ssh-rsa" else [name]
