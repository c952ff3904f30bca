"""What an FTP server says on its control connection, however it comes."""

from __future__ import annotations

import ftplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from startrail.adapters.feed.ftp.session import Session
from startrail.adapters.feed.ftp.waits import in_time, set_timeout


@contextmanager
def _talking() -> Iterator[tuple[Session, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        session = Session(timeout=5, encoding="latin-1")
        session.sock = ours
        yield session, theirs


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("most", [1, 2, 3, 7, 20, 8192])
def test_answers_are_the_same_however_they_are_cut(most: int, end: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("startrail.adapters.feed.ftp.session._REPLY", most)
    with _talking() as (session, server):
        server.sendall(end.join([b"220-first", b"", b" 220 not the last", b"220 end", b"226 done", b"213 20261003\xe9", b""]))
        assert session.getresp() == "220-first\n\n 220 not the last\n220 end"
        assert session.voidresp() == "226 done"
        assert session.getresp() == "213 20261003é"


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with _talking() as (session, server):
        server.sendall(b"2" * 20_000)
        with pytest.raises(ftplib.Error, match="more than 8192 bytes"):
            session.getresp()


def test_a_server_that_hangs_up_is_told_from_one_that_says_why() -> None:
    with _talking() as (session, server):
        server.sendall(b"421 too many")
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(ftplib.error_temp, match="421 too many"):
            session.getresp()
        with pytest.raises(EOFError):
            session.getresp()


def test_what_came_before_tls_answers_nothing_after_it() -> None:
    with _talking() as (session, server):
        server.sendall(b"234 go on\r\n230 come in, whoever you are\r\n")
        session.getresp()
        session.forget_unread()
        server.sendall(b"331 password\r\n")
        assert session.getresp() == "331 password"


def test_the_time_that_the_kernel_keeps_ends_as_any_other() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        set_timeout(ours, 0.01)
        with pytest.raises(TimeoutError, match="timed out"):
            in_time(ours.recv, 1)
        theirs.sendall(b"x")
        assert in_time(ours.recv, 1) == b"x"
