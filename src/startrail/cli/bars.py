"""Progress bars on a terminal. The only place that knows rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TextIO

from startrail.base.units import show_size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars(Protocol):
    """Bars by subject below the lines that have been written."""

    def update(self, subject: str, done: int, total: int, unit: str) -> None: ...

    def done(self, subject: str) -> None: ...

    def above(self, line: str) -> None: ...

    def close(self) -> None: ...


def open_bars(stream: TextIO, colour: bool) -> Bars:
    """Start drawing; imports rich."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(file=stream, force_terminal=True, no_color=not colour, highlight=False, markup=False, emoji=False)
    name, far = (TextColumn("{task." + field + "}", markup=False) for field in ("description", "fields[far]"))
    progress = Progress(name, BarColumn(bar_width=30), far, console=console, transient=True)
    progress.start()
    return _RichBars(progress)


class _RichBars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def update(self, subject: str, done: int, total: int, unit: str) -> None:
        far = _far(done, total, unit)
        if subject not in self._tasks:
            self._tasks[subject] = self._progress.add_task(f"{'':<10} {subject:<24}", total=total or None, far=far)
        self._progress.update(self._tasks[subject], completed=done, total=total or None, far=far)
        if total and done >= total:
            self.done(subject)

    def done(self, subject: str) -> None:
        task = self._tasks.pop(subject, None)
        if task is not None:
            self._progress.remove_task(task)

    def above(self, line: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text.from_ansi(line), soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()


def _far(done: int, total: int, unit: str) -> str:
    if unit == "bytes":
        return f"{show_size(done)} of {show_size(total)}" if total else show_size(done)
    return f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"
