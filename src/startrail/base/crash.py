"""Numbered points at which a process may die, so that a test can make it die there.

In production a point costs one function call that does nothing. A fault harness sets ``hook``; nothing
in this package ever does.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: tuple[str, ...] = (
    "before land",
    "after landing bytes",
    "after recording delivery",
    "before stage",
    "after stage",
    "after step recorded",
    "before check",
    "after check",
    "before metadata",
    "between metadata of two tables",
    "between metadata and pointers",
    "inside publication, pointers moved",
    "inside publication, steps recorded",
    "after commit",
    "before delivery",
    "after delivery written",
    "after delivery recorded",
)
"""In the order in which a run passes them; their positions are the crash numbers of the fault harness."""

ALERT_POINTS: tuple[str, ...] = ("alerts written", "alert claimed", "alert sent", "alert recorded")
"""Points of the outbox: inside the transaction that writes to it, and around each try to send."""

WATCH_POINTS: tuple[str, ...] = (
    "before forecast", "inside forecast, fact written", "after forecast",
    "before incidents", "inside incidents, facts written", "inside incidents, table written", "after incidents",
)  # fmt: skip
"""Points of what looks at a run when it has ended."""

ARCHIVE_POINTS: tuple[str, ...] = ("before unpacking", "after unpacking bytes", "after recording members")
"""Points of an archive on its way to deliveries."""

NAME_POINTS: tuple[str, ...] = (
    "inside names, facts written",
    "before arrivals", "inside arrivals, facts written", "after arrivals",
)  # fmt: skip
"""Points of what is told about names at a source: what became of them, and which were expected."""

hook: Callable[[str], None] | None = None


def crash_point(name: str) -> None:
    """Mark a place where a kill must leave everything consistent; ``name`` is one of :data:`POINTS`,
    :data:`ALERT_POINTS`, :data:`WATCH_POINTS`, :data:`NAME_POINTS` and :data:`ARCHIVE_POINTS`."""
    if hook is not None:
        hook(name)
