"""Where a command's output goes: text for people, or NDJSON for machines.

Text: data and results on standard output, everything about the work on standard error. With ``--json`` all
of it is NDJSON on standard output: first a line that names the schema version, last one of type ``result``.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

import click
import msgspec

from startrail.base.errors import Errors, StartrailError
from startrail.flow.events import SCHEMA_VERSION, Emit, Event


class Console:
    """One per command; use it as a context."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._emit: Emit | None = None
        self._close: Any = None
        if as_json:
            _begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._close is not None:
            self._close()

    def emit(self, event: Event) -> None:
        """Show an event of a run."""
        if self.as_json:
            _line(event)
            return
        if self._emit is None:
            from startrail.cli.render import Renderer

            renderer = Renderer()
            self._emit, self._close = renderer, renderer.close
        self._emit(event)

    def say(self, text: str) -> None:
        """A sentence for people; machines have the result."""
        if not self.as_json:
            click.echo(text, err=True)

    def item(self, value: Any, text: str) -> None:
        """One thing found: ``value`` for machines, ``text`` for people."""
        if self.as_json:
            _line(value)
        else:
            click.echo(text)

    def record(self, value: dict[str, Any]) -> None:
        """One row of data as JSON, whichever way the rest is shown."""
        _line({"type": "row", "row": value} if self.as_json else value)

    def result(self, value: Any) -> None:
        """The last line for machines."""
        if self.as_json:
            _line({"type": "result"} | {k: v for k, v in msgspec.to_builtins(value).items() if k != "type"})


def show_error(error: StartrailError, json: bool, begin: bool = False, ends: bool = True) -> None:
    """Every error in full on standard error; with ``--json`` as the last lines of standard output.

    ``begin``: no console was opened, so the first line is still to be written. ``ends``: the command ends with it.
    """
    errors = error.errors if isinstance(error, Errors) else [error]
    if json and begin:
        _begin()
    for each in errors:
        if json:
            _line({
                "type": "error", "code": each.code, "message": each.message, "at": str(each.at) if each.at else None,
                "affects": each.affects, "hint": each.hint,
            })  # fmt: skip
        else:
            click.echo(str(each), err=True)
    if json and ends:
        _line({"type": "result", "ok": False, "errors": len(errors)})


def _begin() -> None:
    _line({"type": "schema", "version": SCHEMA_VERSION, "tool": "startrail"})


def _line(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
