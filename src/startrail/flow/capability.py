"""How a capability takes part in a run: it supplies tasks for the phases it works in."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from startrail.flow.events import Emit
from startrail.flow.session import Ports, Session
from startrail.flow.tasks import Task
from startrail.model.step import Step

Phase = Literal["land", "load", "build", "check", "deliver"]
"""``check`` judges what the others have staged, all of it; after it everything is published, or held."""


class Planned(msgspec.Struct, frozen=True):
    """A step that a run would do now, and why: ``changed``, ``missing``, ``stale`` or ``pending``.

    ``because`` says it in words. ``later`` marks what a run leaves: beyond the lookback until a backfill, or
    ``waiting`` until what it reads exists.
    """

    step: Step
    why: Literal["changed", "missing", "stale", "pending", "waiting"]
    because: str
    later: bool = False


class Capability(Protocol):
    """Registered by the wiring; called once per phase, in the order of the phases."""

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        """The work of this phase, given what the phases before have staged."""
        ...


class Watcher(Protocol):
    """Registered by the wiring; looks at the facts there are when a run has ended, and at other times (``run`` None)."""

    name: str
    """For people."""

    def after_run(self, ports: Ports, run: str | None, show: Emit) -> None: ...
