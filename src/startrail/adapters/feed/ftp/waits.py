"""How long a socket waits: where it can, the kernel keeps the time, which spares a call before each that may wait."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_KERNEL = hasattr(socket, "MSG_WAITALL")
"""Where this is, the two options below take a ``struct timeval``."""


def set_timeout(sock: socket.socket, seconds: float) -> None:
    """Connecting, sending and receiving raise TimeoutError after so long, within :func:`in_time`."""
    if not _KERNEL or isinstance(sock, ssl.SSLSocket):
        sock.settimeout(seconds)
        return
    if sock.gettimeout() is not None:
        sock.setblocking(True)
    value = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def in_time(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The kernel says that a time is over as it says that a call would have to wait."""
    try:
        return call(*arguments, **named)
    except BlockingIOError as error:
        raise TimeoutError("timed out") from error
