"""The data connection of a transfer."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator

_BLOCK = 1 << 20
_TLS_BLOCK = 1 << 17


def received_blocks(data: socket.socket, timeout: float) -> Iterator[bytes]:
    """What comes, until the far side ends the connection. Raises TimeoutError when nothing comes for ``timeout`` seconds."""
    if isinstance(data, ssl.SSLSocket) or not hasattr(socket, "MSG_WAITALL"):
        while block := data.recv(_TLS_BLOCK):
            yield block
        return
    # A blocking socket that fills whole blocks costs a fraction of the calls, and of the waiting for the interpreter.
    data.setblocking(True)
    data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(timeout), int(timeout % 1 * 1e6)))
    try:
        while block := data.recv(_BLOCK, socket.MSG_WAITALL):
            yield block
    except BlockingIOError as error:
        raise TimeoutError("timed out") from error
