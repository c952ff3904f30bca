"""Reports on their way out: writers make a file of rows, destinations put it where people look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from startrail.model.report import Chart
from startrail.model.types import DataType


class ReportColumn(msgspec.Struct, frozen=True):
    """One column of the delivered rows, with what its model promises about it."""

    name: str
    type: DataType
    unit: str | None = None
    description: str | None = None


class About(msgspec.Struct, frozen=True):
    """What a writer may say beside the rows. ``made_at`` and ``due`` are instants; people see them in ``timezone``.

    ``snapshots``: published table -> the snapshot it was read at.
    """

    title: str
    columns: tuple[ReportColumn, ...]
    made_at: datetime
    day: date
    run: str
    timezone: str = "UTC"
    due: datetime | None = None
    description: str | None = None
    owner: str | None = None
    chart: Chart | None = None
    snapshots: dict[str, str] = {}


class Writer(Protocol):
    """Writes one format. Raises ReportError subclasses for rows that the format cannot hold (ST707)."""

    def write(self, rows: Path, about: About, path: Path) -> int:
        """Make the file ``path`` of the Parquet file ``rows``; returns the number of rows it stands for."""
        ...


class Parcel(msgspec.Struct, frozen=True):
    """What a destination may say about a file. ``key``: always the same for the same rows of the same day at the same
    destination, so that what comes twice after a kill can be recognised. ``at``: when it was made."""

    key: str
    day: date
    at: datetime


class Destination(Protocol):
    """Raises ReportError subclasses: not there ST702, no permission ST703, full ST704, unreachable ST708, not trusted ST709,
    refused for good ST710 and ST711, too large ST712, cannot replace ST713, a package missing ST706, other ST705."""

    def deliver(self, name: str, write: Callable[[Path], object]) -> str:
        """Let ``write`` make the file, then show it under ``name`` in one stroke, durably, replacing an older one;
        a reader sees the old or the new file, whole. Returns where it is, for people.

        A mail cannot be replaced: sent again, it comes again, under the same Message-ID."""
        ...
