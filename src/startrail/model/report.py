"""Reports: what must be delivered, where, and by when."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.destination import Destination, EmailDestination, Place
from startrail.model.schedule import Deadline


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one chart of an HTML report: a line or bars of ``y`` over ``x``, one series per value of ``series``."""

    x: str
    """Column along the axis."""
    y: str
    """Column of the measured value."""
    series: str | None = None
    """Column with one line or bar per value."""
    kind: Literal["line", "bar"] = "bar"
    """Bars or lines."""


class Report(msgspec.Struct, frozen=True):
    """Exactly one of ``model`` and ``query``, and of ``destination`` and ``destinations``. ``file`` may hold ``{date}``,
    the day of the run in the deadline's zone."""

    name: str
    format: Literal["csv", "parquet", "xlsx", "html"]
    """What kind of file."""
    span: Span
    destination: Destination | None = None
    """Where it is delivered; or ``destinations``."""
    destinations: tuple[Destination, ...] = ()
    """Several such places. What one of them cannot take reaches the others all the same, and it is tried again in the next
    run."""
    model: str | None = None
    """The table or view that it shows whole; or ``query``."""
    query: str | None = None
    """A SELECT over published tables; or ``model``."""
    file: str | None = None
    """Name of the file; ``{date}`` is the day of the run. None = the report's name with the date."""
    title: str | None = None
    """Heading; None = the report's name."""
    description: str | None = None
    """One sentence for readers."""
    owner: str | None = None
    """Who answers for it."""
    deadline: Deadline | None = None
    """When it must have been delivered each day."""
    chart: Chart | None = None
    """The chart of an HTML report."""
    order_by: tuple[str, ...] = ()
    """Columns that order the rows, each with ``desc`` if wanted; the rest follows, so the order is always the same."""
    recipients: tuple[str, ...] = ()
    """Who reads it. Addresses, when a destination is of kind ``email``: it is sent to each of them."""

    def places(self) -> tuple[Place, ...]:
        """Each thing that it is brought to: every destination, of an e-mail every recipient."""
        declared = self.destinations if self.destination is None else (self.destination,)
        return tuple(
            place
            for each in declared
            for place in ([Place(each, to) for to in self.recipients] if isinstance(each, EmailDestination) else [Place(each)])
        )
