"""Reports: what must be delivered, where, and by when."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.schedule import Deadline


class FolderDestination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="folder"):
    """A folder of this machine; relative paths start at the project folder."""

    path: str


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one chart of an HTML report: a line or bars of ``y`` over ``x``, one series per value of ``series``."""

    x: str
    y: str
    series: str | None = None
    kind: Literal["line", "bar"] = "bar"


class Report(msgspec.Struct, frozen=True):
    """Exactly one of ``model`` and ``query``. ``file`` may hold ``{date}``, the day of the run in the deadline's zone."""

    name: str
    format: Literal["csv", "parquet", "xlsx", "html"]
    destination: FolderDestination
    span: Span
    model: str | None = None
    query: str | None = None
    file: str | None = None
    title: str | None = None
    description: str | None = None
    owner: str | None = None
    deadline: Deadline | None = None
    chart: Chart | None = None
    order_by: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
