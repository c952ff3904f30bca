"""``startrail serve``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console, show_error

if TYPE_CHECKING:
    from startrail.base.errors import StartrailError
    from startrail.capabilities.schedules.tick import Ticked


@click.command("serve")
@options.common
@options.now
@click.option("--until", type=options.Instant(), help="Stop at this instant; with --now, go from tick to tick without waiting.")
@click.option("--once", is_flag=True, help="Run what is due, then stop.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, until: datetime | None, once: bool) -> int:
    """Run schedules as they become due, until it is stopped.

    SIGTERM and Ctrl-C let the run that is going come to its end; a second one stops at once, and the next start goes on from
    there. Several of them on one ledger share the work. Changed declarations are seen within a minute.
    """
    from startrail.wiring.scheduler import Watcher, serve
    from startrail.wiring.schedules import shifted, stepping

    steps = now is not None and until is not None
    clock = stepping(now) if now is not None and steps else shifted(now)
    with Console(as_json) as console, _stopping(console) as stop:
        talk = _Talk(console)
        watcher = Watcher(console.emit, talk.ticked, talk.error, talk.following)
        serve(root, profile_name, clock, watcher, stop=stop, until=until, once=once, stepping=steps)
        console.say(f"stopped; {talk.ran} {'tick' if talk.ran == 1 else 'ticks'} run")
        console.result({"ok": talk.code == 0, "ran": talk.ran, "missed": talk.missed, "skipped": talk.skipped})
        return talk.code if once or until is not None else 0


class _Talk:
    """What is said, and what it adds up to."""

    def __init__(self, console: Console) -> None:
        self.ran = self.missed = self.skipped = self.code = 0
        self._console = console
        self._said: tuple[datetime, str] | None = None

    def ticked(self, ticked: Ticked) -> None:
        for error in ticked.errors:
            self.error(error)
        self.ran += len(ticked.ran)
        self.missed += ticked.missed
        self.skipped += ticked.skipped
        self.code = max(self.code, 0 if ticked.ok else 1)

    def error(self, error: StartrailError) -> None:
        show_error(error, json=self._console.as_json, ends=False)
        self.code = 2

    def following(self, following: tuple[datetime, str] | None) -> None:
        if following is not None and following != self._said:
            self._console.say(f"next       {following[1]:<24} {following[0]:%Y-%m-%d %H:%M} UTC")
        elif following is None and self._said is None:
            self._console.say("nothing is scheduled; write schedules/NAME.yml with a cron:")
        self._said = following


@contextmanager
def _stopping(console: Console) -> Iterator[Callable[[], bool]]:
    """The first signal asks, the second one insists."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        console.say("stopping after the run that is going; once more: at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
