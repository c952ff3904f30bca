"""The relay of the benchmarks: what comes through it is what was sent, also by the connections that FTP opens for data."""

from __future__ import annotations

import ftplib
import os
import socket

from benchmarks.transfer_servers import Far
from benchmarks.transfer_wire import Speed, wired
from tests.fixtures.ftp import PASSWORD, USER, FtpServer


def test_ftp_goes_through_a_wire_with_its_data_connections(ftp_server: FtpServer) -> None:
    content = os.urandom(500_000)
    (ftp_server.root / "a.bin").write_bytes(content)
    far = Far("ftp", ftp_server.port, USER, PASSWORD, "/", "pyftpdlib")
    with wired(far, Speed(rate=20, delay=5.0)) as near:
        assert near.port != far.port
        for passive in ("PASV", "EPSV"):
            got: list[bytes] = []
            with ftplib.FTP(encoding="utf-8", timeout=60) as session:
                session.connect("127.0.0.1", near.port)
                session.login(USER, PASSWORD)
                session.af = socket.AF_INET if passive == "PASV" else socket.AF_INET6
                session.retrbinary("RETR a.bin", got.append)
            assert b"".join(got) == content
