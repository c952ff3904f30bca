"""A control connection to an FTP server, and what becomes of it and of its data connections."""

from __future__ import annotations

import contextlib
import ftplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from startrail.adapters.feed.ftp.data import received_blocks
from startrail.adapters.feed.ftp.waits import in_time, set_timeout

_REPLY = 8192


class Session(ftplib.FTP):
    """Says in which type it wants data only when that changes: listings are sent as text, all else is not.

    Many small files are mostly commands and answers, so these cost as few calls as they can: the kernel keeps the time, lines
    are cut here, and the address of the server is looked up once.
    """

    _type = ""
    _unread = b""
    _host: tuple[Any, ...] = ()
    """The server's address, without the port."""

    def turn(self, kind: str) -> None:
        """``A`` or ``I``, from now on. Raises what a refusal raises."""
        if kind != self._type:
            self._type = ""
            self.voidcmd(f"TYPE {kind}")
            self._type = kind

    def sendcmd(self, cmd: str) -> str:
        if cmd != "TYPE A":  # with which the library begins every listing
            return super().sendcmd(cmd)
        self.turn("A")
        return "200"

    def login(self, user: str = "", passwd: str = "", acct: str = "") -> str:
        """Safe names and data, as of the library. From here on the socket is set up for good."""
        told = super().login(user, passwd, acct)
        self._wait(float(self.timeout))
        return told

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Within, an answer may take so much longer."""
        self._wait(float(self.timeout) + seconds)
        try:
            yield
        finally:
            if self.sock is not None:
                self._wait(float(self.timeout))

    def putline(self, line: str) -> None:
        in_time(super().putline, line)

    def getline(self) -> str:
        """The next line of an answer. Raises EOFError when there is none, and what the library raises for one without end."""
        assert self.sock is not None
        while b"\n" not in self._unread and len(self._unread) <= self.maxline:
            came = in_time(self.sock.recv, _REPLY)
            if not came and not self._unread:
                raise EOFError
            if not came:
                break
            self._unread += came
        line, _, self._unread = self._unread.partition(b"\n")
        return self._text(line)

    def forget_unread(self) -> None:
        """What was sent before the connection was made safe is no answer to anything said after it."""
        self._unread = b""

    def retrlines(self, cmd: str, callback: Callable[[str], object] | None = None) -> str:
        """As of the library, where a line ends with a line feed only: a name may hold a carriage return."""
        assert callback is not None
        self.turn("A")
        begun = b""
        with closing(self.transfercmd(cmd)) as data:
            for block in received_blocks(data):
                *lines, begun = (begun + block).split(b"\n")
                for line in lines:
                    callback(self._text(line))
                self._text(begun)
            if begun:
                callback(self._text(begun))
            if isinstance(data, ssl.SSLSocket):
                data.unwrap()
        return self.voidresp()

    def makepasv(self) -> tuple[str, int]:
        """Where to fetch data: always at the server that was asked, whatever host it names."""
        assert self.sock is not None
        if not self._host:
            self._host = self.sock.getpeername()
        if self.af == socket.AF_INET:
            return self._host[0], ftplib.parse227(self.sendcmd("PASV"))[1]
        return self._host[0], ftplib.parse229(self.sendcmd("EPSV"), self._host)[1]

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """As of the library, with a connection that is made in a few calls; the size that it reports is not looked for."""
        data = self._connected(*self.makepasv())
        try:
            if rest is not None:
                self.sendcmd(f"REST {rest}")
            told = self.sendcmd(cmd)
            if told.startswith("2"):  # which some servers say before they begin
                told = self.getresp()
            if not told.startswith("1"):
                raise ftplib.error_reply(told)
        except BaseException:
            data.close()
            raise
        return data, None

    def _connected(self, host: str, port: int) -> socket.socket:
        data = socket.socket(self.af, socket.SOCK_STREAM)
        try:
            set_timeout(data, float(self.timeout))
            in_time(data.connect, (host, port, *self._host[2:]))
        except BaseException:
            data.close()
            raise
        return data

    def _text(self, line: bytes) -> str:
        if len(line) > self.maxline:
            raise ftplib.Error(f"got more than {self.maxline} bytes")
        return line.removesuffix(b"\r").decode(self.encoding)

    def _wait(self, seconds: float) -> None:
        assert self.sock is not None
        set_timeout(self.sock, seconds)


def interrupt(session: Session) -> None:
    """Servers end the transfers of a control connection that ends."""
    if session.sock is not None:
        with contextlib.suppress(OSError):
            session.sock.shutdown(socket.SHUT_RDWR)


def is_enough(error: Exception) -> bool:
    """Whether the server lets this user have no further connection, beside those that are open."""
    told = str(error)
    return isinstance(error, ftplib.error_temp | EOFError | ConnectionError) or (
        isinstance(error, ftplib.error_perm) and re.search(r"too many|maximum|limit", told, re.IGNORECASE) is not None
    )


def end(data: socket.socket) -> None:
    """Close a data connection that was read to its end; over TLS some servers wait for our last word."""
    if isinstance(data, ssl.SSLSocket):
        with contextlib.suppress(OSError):  # the size and the server's reply say whether all of it came
            data.unwrap()
    data.close()
