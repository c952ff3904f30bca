"""``startrail serve``: one tick after the other, each with the project as it stands then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.base.errors import StartrailError
from startrail.wiring import open_project
from startrail.wiring.schedules import tick_once, with_clock

if TYPE_CHECKING:
    from startrail.capabilities.schedules.tick import Ticked
    from startrail.flow.events import Emit
    from startrail.ports.clock import Clock

_LOOK_AGAIN = timedelta(minutes=1)
"""Changed declarations, and ticks that another machine left behind, are seen within this time."""
_SLICE_SECONDS = 0.5
"""How long a signal may have to wait."""


class Watcher:
    """What the loop tells on its way. The command line prints it."""

    def __init__(
        self,
        emit: Emit,
        ticked: Callable[[Ticked], None],
        error: Callable[[StartrailError], None],
        following: Callable[[tuple[datetime, str] | None], None],
    ) -> None:
        self.emit = emit
        self.ticked = ticked
        self.error = error
        self.following = following


def serve(
    root: Path,
    profile_name: str,
    clock: Clock,
    watcher: Watcher,
    *,
    stop: Callable[[], bool],
    until: datetime | None = None,
    once: bool = False,
    stepping: bool = False,
) -> None:
    """Until ``stop`` or ``until``. What is wrong in the first round is raised; later it is told, once, and tried again.

    ``stepping``: ``clock`` goes on by what it sleeps, so nothing is looked at between two instants.
    """
    told: str | None = None
    first = True
    while True:
        following: tuple[datetime, str] | None = None
        try:
            following = _round(root, profile_name, clock, watcher, stop)
            told = None
        except StartrailError as error:
            if first:
                raise
            if told != error.code:
                watcher.error(error)
            told = error.code
        if once or stop():
            return
        first = False
        watcher.following(following)
        look_again = clock.now() + _LOOK_AGAIN
        target = look_again if following is None else following[0] if stepping else min(following[0], look_again)
        if until is not None and target > until:
            target = until
            _sleep(clock, target, stop)
            return
        _sleep(clock, target, stop)
        if stop():
            return


def _round(
    root: Path, profile_name: str, clock: Clock, watcher: Watcher, stop: Callable[[], bool]
) -> tuple[datetime, str] | None:
    from startrail.capabilities.schedules.standing import standing
    from startrail.capabilities.schedules.upcoming import next_instant

    with open_project(root, profile_name) as opened:
        moved = with_clock(opened, clock)
        looked = clock.now()
        watcher.ticked(tick_once(moved, watcher.emit, wait=60.0, stop=stop))
        return next_instant(standing(moved.project), looked)


def _sleep(clock: Clock, target: datetime, stop: Callable[[], bool]) -> None:
    while not stop():
        left = (target - clock.now()).total_seconds()
        if left <= 0:
            return
        clock.sleep(min(left, _SLICE_SECONDS))
