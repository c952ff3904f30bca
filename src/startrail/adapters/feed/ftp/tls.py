"""FTP over TLS, explicit and implicit: control and data, the certificate checked."""

from __future__ import annotations

import ftplib
import socket
import ssl
from pathlib import Path

from startrail.adapters.feed.ftp.session import Session
from startrail.adapters.tls import trust
from startrail.base.text import printable
from startrail.model import source
from startrail.ports.feed import FeedFailed


def session(declared: source.FtpsFeed, project: Path, timeout: float) -> Session:
    """Not connected yet. Raises FeedFailed when the declared authorities cannot be read."""
    kind = _Implicit if declared.implicit else _Explicit
    return kind(context=_context(declared, project), timeout=timeout, encoding="latin-1")


def port(declared: source.FtpsFeed) -> int:
    """The declared one, or what is customary."""
    return declared.port or (990 if declared.implicit else 21)


def _context(declared: source.FtpsFeed, project: Path) -> ssl.SSLContext:
    path = None if declared.ca_file is None else project / declared.ca_file
    try:
        return trust(path)
    except OSError as error:
        shown = printable(str(declared.ca_file))
        raise FeedFailed(
            f"'{shown}' is no file of certificates that can be read", hint="`ca_file` must name a PEM file"
        ) from error


class _Explicit(Session, ftplib.FTP_TLS):
    """Data connections resume the session of the control connection, which many servers insist on."""

    def auth(self) -> str:
        told = super().auth()
        self.forget_unread()
        return told

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        data, size = Session.ntransfercmd(self, cmd, rest)
        data.settimeout(float(self.timeout))  # TLS has to know itself when to wait
        try:
            assert isinstance(self.sock, ssl.SSLSocket)
            return self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session), size
        except BaseException:
            data.close()
            raise


class _Implicit(_Explicit):
    def connect(self, host: str = "", port: int = 0, timeout: float = -999, source_address: tuple[str, int] | None = None) -> str:
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), self.timeout)
        try:
            self.sock = self.context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome
