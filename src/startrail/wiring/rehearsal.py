"""Plan on history: which adapters rehearse, in how many processes, and where their results are kept.

Each delivery's result is kept in the project's cache as soon as it is there, by the process that has it, so a plan that
was killed goes on where it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.rehearse.errors import RehearsalBroken
from startrail.capabilities.contracts.rehearse.one import Job, Result, rehearse
from startrail.model.profile import Profile
from startrail.ports.rehearsal import Rehearser
from startrail.ports.store import Store
from startrail.wiring import Opened
from startrail.wiring.cache import FileCache

_KIND = "rehearsal"
_KEPT = 20_000
_SMALL = 8_000_000
"""Bytes of deliveries for which no further process is worth its start."""
_MOST_PROCESSES = 8

Told = Callable[[int, int], None]
"""Called with the deliveries done so far, and how many there are."""


Done = SimpleQueue[tuple[str, Result] | RehearsalBroken]


class Setup(msgspec.Struct, frozen=True):
    """What a process is told before its first job."""

    root: str
    profile: Profile


def open_rehearser(root: Path, store: Store) -> Rehearser:
    """The rehearser of a project."""
    from startrail.adapters.loader.rehearsal.rehearsal import DuckdbRehearser
    from startrail.wiring.ports import scratch

    return DuckdbRehearser(store, scratch(root))


def rehearse_all(opened: Opened, jobs: Sequence[Job], told: Told) -> list[Result]:
    """Results in the order of the jobs. Raises RehearsalBroken (ST392)."""
    root = Path(opened.project.root)
    kept = {job.key: result for job in jobs if (result := _kept(root, job)) is not None}
    left = [job for job in jobs if job.key not in kept]
    for result_key, result in _done(opened, left):
        kept[result_key] = result
        told(len(kept), len({job.key for job in jobs}))
    return [kept[job.key] for job in jobs]


def keep(root: Path, job: Job, result: Result) -> None:
    """For the next plan. A delivery that could not be read is tried again."""
    if result.unread is None:
        _cache(root).put(_KIND, job.key, msgspec.msgpack.encode(result))


def _kept(root: Path, job: Job) -> Result | None:
    value = _cache(root).get(_KIND, job.key)
    if value is None:
        return None
    try:
        return msgspec.msgpack.decode(value, type=Result)
    except msgspec.DecodeError:
        return None


def _cache(root: Path) -> FileCache:
    return FileCache(root / ".startrail" / "cache", keep=_KEPT)


def _done(opened: Opened, jobs: Sequence[Job]) -> Iterator[tuple[str, Result]]:
    """As they are done, the greatest first, so that no process is left alone with it at the end."""
    ordered = sorted(jobs, key=lambda job: -job.delivery.size)
    processes = min(len(jobs), _cores(), _MOST_PROCESSES)
    if processes < 2 or sum(job.delivery.size for job in jobs) < _SMALL:
        root = Path(opened.project.root)
        rehearser = open_rehearser(root, opened.ports.store)
        for job in ordered:
            result = rehearse(job, rehearser, lambda *_: None)
            keep(root, job, result)
            yield job.key, result
        return
    yield from _beside_each_other(Setup(opened.project.root, opened.profile), ordered, processes)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _beside_each_other(setup: Setup, jobs: Sequence[Job], processes: int) -> Iterator[tuple[str, Result]]:
    """Processes that end when nobody speaks to them any more: with us, whichever way we end."""
    waiting: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        waiting.put(job)
    done: Done = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(processes):
            process = stack.enter_context(_process())
            Thread(target=_feed, args=(process, setup, waiting, done), daemon=True).start()
        for _ in jobs:
            found = done.get()
            if isinstance(found, RehearsalBroken):
                raise found
            yield found


class _Process(msgspec.Struct):
    process: subprocess.Popen[bytes]
    errors: IO[bytes]


@contextmanager
def _process() -> Iterator[_Process]:
    command = [sys.executable, "-P", "-m", "startrail.wiring.rehearsal_process"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
        try:
            yield _Process(process, errors)
        finally:
            process.kill()
            process.wait()
            for end in (process.stdin, process.stdout):
                if end is not None:
                    _close(end)


def _close(end: IO[bytes]) -> None:
    with suppress(OSError):  # what was still to be said has nobody to hear it
        end.close()


def _feed(
    one: _Process, setup: Setup, waiting: SimpleQueue[Job], done: SimpleQueue[tuple[str, Result] | RehearsalBroken]
) -> None:
    """Give one process a job after the other."""
    assert one.process.stdin is not None
    assert one.process.stdout is not None
    try:
        send(one.process.stdin, setup)
        while True:
            job = waiting.get_nowait()
            send(one.process.stdin, job)
            done.put((job.key, msgspec.msgpack.decode(receive(one.process.stdout), type=Result)))
    except Empty:
        return
    except (OSError, EOFError, ValueError, msgspec.DecodeError) as error:
        done.put(_broken(one, error))


def _broken(one: _Process, error: Exception) -> RehearsalBroken:
    words: list[str] = []
    with suppress(OSError, ValueError):  # closed, when another one was told first
        one.errors.seek(0)
        words = one.errors.read().decode(errors="replace").strip().splitlines()
    last = printable(words[-1] if words else str(error) or type(error).__name__, 300)
    return RehearsalBroken(
        f"a process that replayed landed deliveries ended early: {last}",
        affects="this plan; nothing was changed",
        hint="run the plan again: it goes on with what is left; or plan without history: --no-history",
    )


def send(end: IO[bytes], value: object) -> None:
    """A value with its length before it."""
    data = msgspec.msgpack.encode(value)
    end.write(len(data).to_bytes(8, "big") + data)
    end.flush()


def receive(end: IO[bytes]) -> bytes:
    """What :func:`send` sent. Raises EOFError when nothing more comes."""
    size = end.read(8)
    if len(size) < 8:
        raise EOFError("the other side has ended")
    data = end.read(int.from_bytes(size, "big"))
    if len(data) < int.from_bytes(size, "big"):
        raise EOFError("the other side has ended")
    return data
