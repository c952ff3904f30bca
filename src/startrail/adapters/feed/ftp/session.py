"""A control connection to an FTP server, and what becomes of it and of its data connections."""

from __future__ import annotations

import contextlib
import ftplib
import re
import socket
import ssl


class Session(ftplib.FTP):
    """Says in which type it wants data only when that changes: listings are sent as text, all else is not."""

    _type = ""

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
