"""The data connection of a transfer."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from startrail.adapters.feed.ftp.waits import in_time

_BLOCK = 1 << 20
_TLS_BLOCK = 1 << 17


def received_blocks(data: socket.socket, size: int | None = None) -> Iterator[bytes]:
    """What comes, until the far side ends the connection; about ``size`` bytes. Raises TimeoutError when nothing comes."""
    if data.gettimeout() is not None:
        while block := data.recv(_TLS_BLOCK):
            yield block
        return
    # A blocking socket that fills whole blocks costs a fraction of the calls, and of the waiting for the interpreter.
    most = _BLOCK if size is None else max(1, min(_BLOCK, size + 1))
    while block := in_time(data.recv, most, socket.MSG_WAITALL):
        yield block
        most = _BLOCK
