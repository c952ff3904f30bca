"""Alerts as lines of a file."""

from __future__ import annotations

import os
from pathlib import Path

from startrail.adapters.alerts.webhook import document
from startrail.base.text import printable
from startrail.model.alert import Alert, Later, Sent


class LogNotifier:
    """Appends one line of JSON per alert."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = printable(str(path), 200)

    def send(self, alert: Alert, delivery_id: str) -> Sent | Later:
        line = document(alert, delivery_id) + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                if os.write(handle, line) != len(line):
                    return Later(f"{self.name} took only a part of the line")
            finally:
                os.close(handle)
        except OSError as error:
            return Later(f"{self.name} cannot be written: {error.strerror or error}")
        return Sent()
