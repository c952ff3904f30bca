"""A real HTTP server that takes alerts, as PagerDuty's Events API v2 and as any webhook, with faults on demand.

It keeps what a person would see: incidents by dedup key, each page that went out, and every request as it came.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, cast

Fault = Literal["none", "429", "500", "slow", "drop"]
"""``slow``: answers only when the fault ends. ``drop``: takes the alert, then closes the connection without an answer."""

_MOST_BYTES = 512 * 1024
_ACTIONS = ("trigger", "acknowledge", "resolve")


@dataclass(frozen=True)
class Request:
    """One request that came in whole; ``taken`` is False when a fault kept it from having an effect."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    taken: bool

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class AlertServer:
    """Context manager; loopback only. ``fault`` may be changed at any time; :meth:`down` stops listening altogether."""

    routing_key: str = "0123456789abcdef0123456789abcdef"
    port: int = 0
    retry_after: str | None = None
    """Goes with answers 429 and 500."""
    stumbles_over: bytes | None = None
    """A request with this in its body is answered with 500."""
    requests: list[Request] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """Dedup keys in the order in which somebody was paged: a trigger of a key that is open already pages nobody."""
    open: dict[str, str] = field(default_factory=dict)
    """Dedup key of each incident that is not resolved -> ``triggered`` or ``acknowledged``."""
    changes: list[dict[str, Any]] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    """Keys of acknowledges and resolves that came while nothing of that key was open."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: Fault = "none"
        self._goes_on = threading.Event()
        self._slowed = threading.Event()
        self._server: _Server | None = None
        self._place: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        if fault == "slow":
            self._goes_on.clear()
            self._slowed.clear()
        else:
            self._goes_on.set()

    @property
    def taken(self) -> list[Request]:
        """Requests that had an effect, oldest first."""
        with self._lock:
            return [request for request in self.requests if request.taken]

    def await_slow(self, seconds: float = 240.0) -> bool:
        """Return when a sender waits for its answer, since the fault is ``slow``; False when none came for so long."""
        return self._slowed.wait(seconds)

    def up(self) -> None:
        """Listen, at the same port as before."""
        self._leave_place()
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None and self._thread is not None:
            self._goes_on.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
            self._keep_place()

    def _keep_place(self) -> None:
        """Bound and not listening: connections are refused, and nobody else gets the port."""
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", self.port))

    def _leave_place(self) -> None:
        if self._place is not None:
            self._place.close()
            self._place = None

    def __enter__(self) -> AlertServer:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.down()
        self._leave_place()

    # -- what the handler asks -------------------------------------------------------------------------
    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]] | None:
        """Status and document of the answer; None to close the connection without one."""
        fault = self._fault
        if self.stumbles_over is not None and self.stumbles_over in body:
            fault = "500"
        if fault == "slow":
            self._slowed.set()
            self._goes_on.wait(240)
        with self._lock:
            if fault in ("429", "500"):
                self.requests.append(Request(path, headers, body, taken=False))
                return int(fault), {"status": "throttle exceeded" if fault == "429" else "internal error"}
            status, told = self._effect(path, body)
            self.requests.append(Request(path, headers, body, taken=status < 300))
            return None if fault == "drop" else (status, told)

    def _effect(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path not in ("/v2/enqueue", "/v2/change/enqueue"):
            return 202, {"status": "success"}
        problem = self._problem(path, body)
        if problem:
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": [problem]}
        event = json.loads(body)
        if path == "/v2/change/enqueue":
            self.changes.append(event)
            return 202, {"status": "success", "message": "Change event processed"}
        key, action = event["dedup_key"], event["event_action"]
        if action == "trigger":
            if key not in self.open:
                self.pages.append(key)
            self.open[key] = "triggered"
        elif key not in self.open:
            self.out_of_order.append(key)
        elif action == "acknowledge":
            self.open[key] = "acknowledged"
        else:
            del self.open[key]
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}

    def _problem(self, path: str, body: bytes) -> str | None:
        if len(body) > _MOST_BYTES:
            return "Event is larger than 512 KB"
        try:
            event = json.loads(body)
        except ValueError:
            return "Event is not JSON"
        if event.get("routing_key") != self.routing_key:
            return f"'routing_key' {event.get('routing_key')} is not known"
        action = event.get("event_action", "trigger")
        if path == "/v2/enqueue" and (action not in _ACTIONS or not 0 < len(event.get("dedup_key", "")) <= 255):
            return "'event_action' or 'dedup_key' is incorrect"
        payload = event.get("payload")
        if action == "trigger" and not (payload and payload.get("summary") and len(payload["summary"]) <= 1024):
            return "'payload.summary' is missing or blank"
        if (
            path == "/v2/enqueue"
            and action == "trigger"
            and payload.get("severity") not in ("critical", "error", "warning", "info")
        ):
            return "'payload.severity' is incorrect"
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], alerts: AlertServer) -> None:
        super().__init__(address, _Handler)
        self.alerts = alerts

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that gave up waiting is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        alerts = cast("_Server", self.server).alerts
        size = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(size)
        self.close_connection = True
        if len(body) < size:  # its sender died on the way
            return
        answer = alerts.take(self.path, dict(self.headers.items()), body)
        if answer is None:
            return
        status, told = answer
        data = json.dumps(told).encode()
        self.send_response(status)
        if status in (429, 500) and alerts.retry_after is not None:
            self.send_header("Retry-After", alerts.retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal belongs to the tests."""
