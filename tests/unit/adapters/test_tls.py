from __future__ import annotations

import gc
import socket
import struct

import pytest

from startrail.adapters.tls import trust


def test_a_connection_that_the_far_side_reset_before_tls_is_closed() -> None:
    """What is left open is told as a warning when it is collected, and warnings are errors here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        with pytest.raises(ConnectionResetError):
            trust().wrap_socket(ours, server_hostname="127.0.0.1")
        gc.collect()
