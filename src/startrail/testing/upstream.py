"""Real servers over a folder of upstream files: FTP for ``ftp/``, an HTTP API for ``api/``. Loopback only.

The demo and the tests fetch from these; the files are served byte for byte, so a page that is fetched twice
is the same delivery.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

from startrail.base.errors import ResourceError

if TYPE_CHECKING:
    from pyftpdlib.servers import FTPServer

USER = "shop"
PASSWORD = "till-roll"  # noqa: S105 - of a server that lives for one demo on loopback


class NoFtpServer(ResourceError):
    """The demo's FTP server needs a package that is not installed.

    Install ``pyftpdlib``, or use the profile that reads the same files from a folder.
    """

    code = "ST722"


class Upstream:
    """Context manager. ``folder`` holds ``ftp/`` with files and ``api/`` with ``orders_<day>_p<n>.json`` pages.

    ``GET /orders?page=N`` answers the N-th page file in order of name, so that pages only ever grow at the end;
    past the last one it is a document with no orders. ``&day=YYYY-MM-DD`` counts that day's pages alone.
    New files are served as soon as they are there. Ports are free ones unless given.
    """

    def __init__(self, folder: Path, *, ftp_port: int = 0, http_port: int = 0) -> None:
        self.folder = folder
        self._asked_ftp = ftp_port
        self._asked_http = http_port
        self._ftp: FTPServer | None = None
        self._http: ThreadingHTTPServer | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def ftp_port(self) -> int:
        return cast("FTPServer", self._ftp).address[1]

    @property
    def http_port(self) -> int:
        return cast("ThreadingHTTPServer", self._http).server_port

    @property
    def environment(self) -> dict[str, str]:
        """Variables to which the shop's secret references refer."""
        return {"SHOP_FTP_PASSWORD": PASSWORD}

    @property
    def requests(self) -> list[str]:
        """Paths asked of the HTTP server so far, oldest first."""
        return cast("_Api", self._http).asked

    def __enter__(self) -> Upstream:
        ftp = self._ftp = _ftp_server(self.folder / "ftp", self._asked_ftp)
        try:
            http = self._http = _Api(self.folder / "api", self._asked_http)
        except OSError:
            ftp.close_all()
            raise
        self._start(lambda: _serve_ftp(ftp, self._stop))
        self._start(lambda: http.serve_forever(poll_interval=0.05))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _start(self, serve: Callable[[], None]) -> None:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self._threads.append(thread)


def _ftp_server(folder: Path, port: int) -> FTPServer:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it stands on asyncore
            from pyftpdlib.authorizers import DummyAuthorizer
            from pyftpdlib.handlers import FTPHandler
            from pyftpdlib.ioloop import IOLoop
            from pyftpdlib.servers import FTPServer
    except ModuleNotFoundError as error:
        raise NoFtpServer("the FTP server needs pyftpdlib, which is not installed", hint="pip install pyftpdlib") from error
    # A handler of its own, or pyftpdlib would set one up that writes every command to the terminal.
    logger = logging.getLogger("pyftpdlib")
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder.resolve()), perm="elr")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, "banner": "till files", "auth_failed_timeout": 0.1})
    # Its own loop: pyftpdlib's default one is shared by all servers of a process.
    return FTPServer(("127.0.0.1", port), handler, ioloop=IOLoop())


def _serve_ftp(server: FTPServer, stop: threading.Event) -> None:
    """Until told to stop; the thread that runs the loop also closes it."""
    while not stop.is_set():
        server.serve_forever(timeout=0.05, blocking=False, handle_exit=False)
    server.close_all()


class _Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.folder = folder
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "ShopOrders/1"

    def do_GET(self) -> None:
        api = cast("_Api", self.server)
        api.asked.append(self.path)
        parts = urlsplit(self.path)
        if parts.path != "/orders":
            self._answer(404, b'{"error": "there is only /orders"}\n')
            return
        body = _page(api.folder, {name: values[-1] for name, values in parse_qs(parts.query).items()})
        if body is None:
            self._answer(400, b'{"error": "page counts from 1; day is YYYY-MM-DD"}\n')
            return
        tag = '"' + hashlib.sha256(body).hexdigest()[:32] + '"'
        if self.headers.get("If-None-Match") == tag:
            self._answer(304, b"", tag)
        else:
            self._answer(200, body, tag)

    def _answer(self, status: int, body: bytes, tag: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        if tag is not None:
            self.send_header("ETag", tag)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the demo's terminal belongs to the run."""


def _page(folder: Path, query: Mapping[str, str]) -> bytes | None:
    """The bytes of the page asked for, or None for a question that makes no sense."""
    number, day = query.get("page", "1"), query.get("day", "*")
    if not number.isdecimal() or int(number) < 1 or not (day == "*" or day.replace("-", "").isdecimal()):
        return None
    pages = sorted(folder.glob(f"orders_{day}_p*.json"), key=_order)
    if int(number) <= len(pages):
        return pages[int(number) - 1].read_bytes()
    return json.dumps({"page": int(number), "pages": len(pages), "orders": []}).encode() + b"\n"


def _order(path: Path) -> tuple[str, int]:
    """By day, and within a day by number, so that page 10 comes after page 9."""
    day, _, number = path.stem.removeprefix("orders_").rpartition("_p")
    return day, int(number)
