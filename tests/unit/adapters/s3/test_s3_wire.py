"""What becomes of one request, whatever the server does with it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fixtures.ftp import made_certificate
from tests.fixtures.http import Answer, HttpServer

from startrail.adapters.s3.wire import Wire, WireError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Script:
    """A server that does with each connection, in order, what a test says."""

    def __init__(self, *acts: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.ended = threading.Semaphore(0)
        """Released for each connection that it has closed."""
        self._thread = threading.Thread(target=self._serve, args=(acts,), daemon=True)
        self._thread.start()

    def _serve(self, acts: tuple[Callable[[socket.socket], None], ...]) -> None:
        for act in acts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                act(connection)
            self.ended.release()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self._thread.join(240)


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    made: list[Script] = []

    def make(*acts: Callable[[socket.socket], None]) -> Script:
        made.append(Script(*acts))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _answers(*answers: bytes) -> Callable[[socket.socket], None]:
    """One after the other, each to a request without a body."""

    def act(connection: socket.socket) -> None:
        for answer in answers:
            received = b""
            while b"\r\n\r\n" not in received:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                received += chunk
            connection.sendall(answer)

    return act


def test_a_connection_is_used_again(script: Callable[..., Script]) -> None:
    far = script(_answers(OK, OK, OK))
    wire = Wire(far.address, timeout=60)
    assert [wire.exchange("GET", "/", {"host": "x"}).data for _ in range(3)] == [b"ok"] * 3
    assert far.connections == 1


def test_one_that_the_server_has_closed_is_not(script: Callable[..., Script]) -> None:
    far = script(_answers(OK), _answers(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")), _answers(OK))
    wire = Wire(far.address, timeout=60)
    for number in range(3):
        assert wire.exchange("GET", "/", {"host": "x"}).data == b"ok"
        assert far.connections == number + 1
        assert far.ended.acquire(timeout=240)


def test_an_answer_before_the_end_of_the_body_is_taken(script: Callable[..., Script]) -> None:
    refusal = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def act(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(refusal)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass

    wire = Wire(script(act).address, timeout=60)
    assert wire.exchange("PUT", "/", {"host": "x"}, [bytes(1 << 20)] * 20, 20 << 20).status == 503


def test_a_body_that_breaks_ends_its_connection_and_is_told_as_it_is(script: Callable[..., Script]) -> None:
    seen: list[bytes] = []

    def act(connection: socket.socket) -> None:
        while block := connection.recv(65536):
            seen.append(block)

    def body() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("the line went dead")

    far = script(act, _answers(OK))
    wire = Wire(far.address, timeout=60)
    with pytest.raises(RuntimeError, match="went dead"):
        wire.exchange("PUT", "/", {"host": "x"}, body(), 8)
    assert wire.exchange("GET", "/", {"host": "x"}).data == b"ok"
    assert b"".join(seen).endswith(b"half")


def test_a_body_that_cannot_begin_is_no_request(script: Callable[..., Script]) -> None:
    def body() -> Iterator[bytes]:
        raise RuntimeError("nothing there")
        yield b""

    far = script(_answers(OK))
    with pytest.raises(RuntimeError, match="nothing there"):
        Wire(far.address, timeout=60).exchange("PUT", "/", {"host": "x"}, body(), 8)


@pytest.mark.parametrize(
    "act",
    [
        lambda connection: connection.recv(65536),
        _answers(b"nonsense\r\n\r\n"),
        _answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
        lambda connection: threading.Event().wait(1.5),
    ],
    ids=["hangs up", "speaks something else", "cuts its answer", "says nothing"],
)
def test_no_answer_is_an_error(script: Callable[..., Script], act: Callable[[socket.socket], None]) -> None:
    with pytest.raises(WireError):
        Wire(script(act).address, timeout=0.5).exchange("GET", "/", {"host": "x"})


def test_answers_in_chunks_and_without_a_body_are_read() -> None:
    server = HttpServer()
    server.routes["/many"] = lambda _: Answer(b"x" * 10_000, chunks=999)
    wire = Wire(server.address, timeout=60)
    assert wire.exchange("GET", "/many", {"host": "x"}).data == b"x" * 10_000
    assert wire.exchange("PUT", "/many", {"host": "x"}, [b"ab", memoryview(b"cd")], 4).status == 200
    server.close()


def test_only_a_server_that_can_prove_who_it_is_is_sent_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = made_certificate(tmp_path / "server.pem")
    server = HttpServer(certificate)
    server.routes["/"] = lambda _: Answer(b"secret")
    with pytest.raises(WireError, match="certificate verify failed"):
        Wire(server.address, timeout=60).exchange("GET", "/", {"host": "x"})
    assert server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    wire = Wire(server.address, timeout=60)
    assert [wire.exchange("PUT", "/", {"host": "x"}, [bytes(1 << 20)], 1 << 20).data for _ in range(2)] == [b"secret"] * 2
    with pytest.raises(WireError, match="mismatch"):
        Wire(server.address.replace("127.0.0.1", "localhost"), timeout=60).exchange("GET", "/", {"host": "x"})
    server.close()
