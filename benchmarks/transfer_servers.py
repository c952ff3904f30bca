"""The far sides of the transfers: one FTP server, one SSH server, two servers of the S3 API, each a process of its own.

The quickest that this machine has: proftpd and OpenSSH as Debian packages them, or else the servers of our tests, in Python.
moto comes with our tests; s3rver is installed by npm when it is first needed, under the cache folder of ``peers.py``.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers import cache
from benchmarks.processes import output

BUCKET = "lake"
_S3RVER = "s3rver@3.7.1"


class Far(NamedTuple):
    """A server of files: how to reach it, and which program it is. ``path`` is the folder as it knows it."""

    scheme: str
    port: int
    user: str
    password: str
    path: str
    program: str
    key: Path | None = None
    host_key: str | None = None


class Bucket(NamedTuple):
    """A server of the S3 API with one bucket."""

    endpoint: str
    program: str

    def empty(self, folder: Path) -> None:
        """As new: without the objects of an earlier round."""
        if self.program == "moto":
            _ask(f"{self.endpoint}/moto-api/reset", "POST")
        else:
            shutil.rmtree(folder / "s3rver" / BUCKET, ignore_errors=True)
        _ask(f"{self.endpoint}/{BUCKET}", "PUT")


@contextmanager
def ftp(root: Path, folder: Path) -> Iterator[Far]:
    """Everything under ``root``, for anonymous."""
    program, port = shutil.which("proftpd", path=_PATH), free_port()
    if program is None or os.geteuid() != 0:
        code = _PYTHON_FTP.format(root=str(root), port=port)
        with running([sys.executable, "-c", code], port, folder / "ftp.log"):
            yield Far("ftp", port, "anonymous", "none", "/", "pyftpdlib")
        return
    settings = folder / "proftpd.conf"
    settings.write_text(_PROFTPD.format(root=root, port=port, folder=folder, user=getpass.getuser()))
    with running([program, "-n", "-q", "-c", settings], port, folder / "ftp.log"):
        yield Far("ftp", port, "anonymous", "none", "/", "proftpd")


@contextmanager
def sftp(root: Path, folder: Path) -> Iterator[Far]:
    """The same files over SSH, for whoever runs this, by a key."""
    folder = folder / "ssh"
    folder.mkdir(exist_ok=True)
    for name in ("host", "me"):
        output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
    port, user, program = free_port(), getpass.getuser(), shutil.which("sshd", path=_PATH)
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    if program is None:
        command: list[str | Path] = [sys.executable, "-c", _PYTHON_SFTP.format(folder=str(folder), port=port)]
    else:
        Path("/run/sshd").mkdir(exist_ok=True)
        settings = folder / "sshd.conf"
        settings.write_text(_SSHD.format(folder=folder, port=port))
        command = [program, "-D", "-f", settings, "-E", folder / "log"]
    with running(command, port, folder / "out"):
        yield Far("sftp", port, user, "", str(root), "asyncssh" if program is None else "OpenSSH", folder / "me", host_key)


@contextmanager
def moto() -> Iterator[Bucket]:
    port = free_port()
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, Path(os.devnull)):
        yield Bucket(f"http://127.0.0.1:{port}", "moto")


@contextmanager
def s3rver(folder: Path) -> Iterator[Bucket]:
    port = free_port()
    program = _installed() / "node_modules/.bin/s3rver"
    (folder / "s3rver").mkdir(exist_ok=True)
    command = [program, "-d", folder / "s3rver", "-a", "127.0.0.1", "-p", str(port), "-s"]
    with running(command, port, Path(os.devnull)):
        yield Bucket(f"http://127.0.0.1:{port}", "s3rver")


def _installed() -> Path:
    folder = cache() / _S3RVER.replace("@", "-")
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        output(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, _S3RVER])
        (folder / "installed").touch()
    return folder


@contextmanager
def running(command: list[str | Path], port: int, log: Path) -> Iterator[None]:
    """A program that listens at a port, until the end of the block."""
    with log.open("ab") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"{process.args} did not start")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"{process.args} does not answer")


def free_port() -> int:
    """One at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _ask(address: str, method: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=60):
        pass


_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"

_PROFTPD = """
ServerName bench
ServerType standalone
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
User {user}
Group nogroup
PidFile {folder}/proftpd.pid
ScoreboardFile {folder}/proftpd.scoreboard
SystemLog {folder}/proftpd.log
DelayEngine off
UseReverseDNS off
MaxInstances none
RootLogin on
TransferLog none
RequireValidShell off
UseFtpUsers off
TimesGMT on
<Anonymous {root}>
  User nobody
  Group nogroup
  UserAlias anonymous nobody
  AnonRequirePassword off
</Anonymous>
"""

_SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/me.pub
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
MaxStartups 100
"""

_PYTHON_FTP = """
import logging, warnings
warnings.simplefilter("ignore")
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import MultiprocessFTPServer
logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_anonymous({root!r})
MultiprocessFTPServer(("127.0.0.1", {port}), FTPHandler).serve_forever()
"""

_PYTHON_SFTP = """
import asyncio, asyncssh
class Files(asyncssh.SFTPServer):
    pass
async def serve():
    await asyncssh.listen("127.0.0.1", {port}, config=None, server_host_keys=[{folder!r} + "/host"],
                          authorized_client_keys={folder!r} + "/me.pub", sftp_factory=Files)
    await asyncio.Event().wait()
asyncio.run(serve())
"""
