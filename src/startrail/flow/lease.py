"""One runner at a time: hold the lease, keep it alive, take it over from the dead."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from startrail.base.errors import StartrailError
from startrail.base.ids import token
from startrail.flow.errors import RunnerBusy
from startrail.flow.events import Emit, Waiting
from startrail.ledger.errors import LeaseLost
from startrail.model.run import Lease
from startrail.ports.clock import Clock
from startrail.ports.ledger import Ledger

RUNNER = "runner"
"""Name of the lease that every run holds."""
LEASE_SECONDS = 30.0
_POLL_SECONDS = 0.2


@contextmanager
def holding(ledger: Ledger, clock: Clock, emit: Emit, wait: float) -> Iterator[Lease]:
    """Hold the runner's lease for the block, waiting up to ``wait`` seconds. Raises RunnerBusy."""
    lease = _obtain(ledger, clock, emit, wait)
    stop = threading.Event()
    beat = threading.Thread(target=_keep, args=(ledger, clock, lease, stop), name="heartbeat", daemon=True)
    beat.start()
    try:
        yield lease
    finally:
        stop.set()
        beat.join()
        ledger.release(lease)


def somebody_works(ledger: Ledger, clock: Clock) -> bool:
    """Whether a runner holds the lease that is not known to be dead."""
    held = ledger.holder(RUNNER)
    return held is not None and held.expires_at > clock.now() and not _is_dead(held.holder)


def try_lease(ledger: Ledger, clock: Clock, name: str, seconds: float) -> Lease | None:
    """The lease, if nobody alive has it. Each call is a holder of its own, also within one process."""
    me = f"{_identity(os.getpid())}#{token(4)}"
    lease = ledger.acquire(name, me, seconds, clock.now())
    if lease is not None:
        return lease
    other = ledger.holder(name)
    if other is None or not _is_dead(other.holder.partition("#")[0]):
        return None
    return ledger.take_over(other, me, seconds, clock.now())


def _obtain(ledger: Ledger, clock: Clock, emit: Emit, wait: float) -> Lease:
    me = _identity(os.getpid())
    waited, told = 0.0, False
    while True:
        lease = ledger.acquire(RUNNER, me, LEASE_SECONDS, clock.now())
        if lease is not None:
            return lease
        other = ledger.holder(RUNNER)
        if other is not None and _is_dead(other.holder):
            lease = ledger.take_over(other, me, LEASE_SECONDS, clock.now())
            if lease is not None:
                return lease
        holder = other.holder if other else "?"
        if waited >= wait:
            raise RunnerBusy(
                f"another runner ({holder.split('/')[0]}) works on this project",
                affects="this run; nothing was changed",
                hint="it continues where the other left off: run again, or give --wait 600",
            )
        if not told:
            emit(Waiting(subject=RUNNER, holder=holder, seconds=wait))
            told = True
        clock.sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _keep(ledger: Ledger, clock: Clock, lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(LEASE_SECONDS / 3):
        try:
            ledger.renew(lease, LEASE_SECONDS, clock.now())
        except LeaseLost:
            return  # the fencing token keeps a runner without lease from publishing
        except StartrailError:
            continue  # a ledger that was busy for a moment: a beat was missed, and the lease outlasts two


def _identity(pid: int) -> str:
    """``host:pid/boot/start``: names a process beyond the reuse of its pid."""
    return f"{socket.gethostname()}:{pid}/{_boot_id()}/{_start_time(pid)}"


def _is_dead(holder: str) -> bool:
    """True only when this machine can know it: same host and boot, and the process is gone or another one."""
    place, _, rest = holder.partition("/")
    host, _, pid = place.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal() or not rest.startswith(_boot_id() + "/"):
        return False
    return _identity(int(pid)) != holder


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _start_time(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "gone"
    fields = stat.rpartition(")")[2].split()
    return "gone" if fields[0] == "Z" else fields[19]  # a zombie does no work any more; 22nd field: start time in ticks
