"""Reports: delivered, at risk, late."""

from __future__ import annotations

from startrail.flow.events.event import Event


class Delivered(Event, frozen=True, tag="delivered"):
    """A report is where it must be. ``minutes_early`` is negative when it was late, None without a deadline."""

    fact = "report.delivered"
    report: str
    path: str
    rows: int
    minutes_early: int | None = None
    deadline: str | None = None


class Sent(Event, frozen=True, tag="sent"):
    """A report with several destinations is at one of them."""

    fact = "report.sent"
    report: str
    place: str
    path: str
    rows: int


class ReportAtRisk(Event, frozen=True, tag="report_at_risk"):
    """A report may miss its deadline. Told once per report and day, and once more when by then only a person can help.

    Times are forecasts from how long its steps usually take; None is not known.
    """

    fact = "report.at_risk"
    report: str
    due: str
    lower: str | None = None
    """Not before."""
    expected: str | None = None
    upper: str | None = None
    """Most likely not after."""
    waits: tuple[str, ...] = ()
    """What it waits for."""
    unknown: tuple[str, ...] = ()
    """What is on its way and was never seen to take any time."""
    person: bool = False
    """Nothing but a person can help."""


class ReportLate(Event, frozen=True, tag="report_late"):
    """A deadline has passed, and the report is not there. Told once per report and day, like a report at risk."""

    fact = "report.late"
    report: str
    due: str
    lower: str | None = None
    expected: str | None = None
    upper: str | None = None
    waits: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    person: bool = False
