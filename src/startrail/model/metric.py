"""Metrics: the dictionary's entries. One number, what it counts, when, and which rows are in it.

A metric is a sum (or another aggregate) over rows: the source's rows, of which one per key is kept (``dedup``), inside
a period (``agg_time_dimension``), that fulfil the ``filters``, times the rows that ``joins`` find, of an expression
(``expr``), times a rate (``currency``). Each of these is a *slot*; two metrics differ slot by slot.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from startrail.base.span import Span
from startrail.model.quantities import Count, Days, TableText, Zone

Aggregation = Literal["sum", "count", "count_distinct", "avg", "min", "max", "median", "ratio"]
Status = Literal["draft", "standard", "deprecated"]
Names = str | tuple[str, ...]
"""One column, or several."""
TimeGrain = Literal["hour", "day", "week", "month", "quarter", "year"]

TIME_GRAINS: tuple[TimeGrain, ...] = ("hour", "day", "week", "month", "quarter", "year")
"""By what a value may be split in time, in the metric's zone."""


class TimeDimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which moment puts a row into a period, and how a period is cut.

    A period is made of whole days of ``timezone``. With ``[)`` a row is in it from the first instant of its first day
    to before the first instant after its last day. With ``[]`` the upper bound is the *beginning* of the last day,
    included: what SQL's ``between first and last`` does, which on a timestamp loses nearly all of the last day.
    """

    column: str
    """A date or timestamp column of the source, or ``alias.column`` of a joined table."""
    timezone: Zone = "UTC"
    """The zone whose days and months count."""
    bounds: Literal["[)", "[]", "(]", "()"] = "[)"
    """``[`` and ``]`` include the bound itself. ``[)`` is a whole period; ``[]`` is SQL's BETWEEN of its first and last day."""
    stored: Zone | None = None
    """The zone in which a ``timestamp`` column without zone is written. None = in ``timezone`` itself."""
    late_cutoff: Days | None = None
    """Rows that arrived more than so many days after their own day do not count, such as ``P3D``. Needs ``arrival``."""
    arrival: str | None = None
    """The column that says when a row arrived."""


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition that every counted row fulfils."""

    name: str
    """One word for it, as ``no_test_accounts``."""
    sql: str
    """A condition over the source's columns, or ``alias.column`` of a joined table. NULL counts as not fulfilled."""


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table whose columns the metric uses beside the source's."""

    to: TableText
    """The joined table, as ``namespace.name``."""
    on: str
    """The condition; tables go by their ``alias``, as in ``orders.currency = fx.currency``."""
    type: Literal["left", "inner"] = "left"
    """``left`` keeps rows that find nothing, ``inner`` loses them."""
    alias: str | None = None
    """What the table is called in SQL; None = its name without the namespace."""
    cardinality: Literal["many_to_one", "one_to_one", "one_to_many", "many_to_many"] = "many_to_one"
    """How many rows of it a row of the source finds. Those that end in ``many`` multiply rows."""
    on_fanout: Literal["fail", "dedup", "allow"] = "fail"
    """When a row finds several: ``fail`` refuses the value, ``dedup`` takes the first by ``order_by``, ``allow``
    counts the row several times."""
    order_by: Names = ()
    """For ``dedup``: columns of the joined table, each with ``desc`` if wanted. What ties is put in order by all columns used."""

    @property
    def name(self) -> str:
        """The alias in SQL."""
        return self.alias or self.to.rpartition(".")[2]


class RateColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the columns of a table of rates are called."""

    currency: str = "currency"
    """The currency that is converted."""
    to: str | None = None
    """The currency it is converted to; None = all rates are to the one currency."""
    date: str = "date"
    """The day that the rate is of."""
    rate: str = "rate"
    """Units of the target for one unit of the currency; a decimal, so that the product is exact."""


class Currency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Conversion of every row into one currency."""

    from_: Annotated[str, Meta(description="The column that names the row's currency.")]
    """The column that names the row's currency."""
    to: str
    """The currency of the metric, as ``EUR``."""
    rates: TableText
    """The table of rates."""
    kind: Literal["spot", "latest", "month_end"] = "spot"
    """``spot``: the rate of the row's own day. ``latest``: the newest one on or before that day. ``month_end``: the newest
    one of the row's month. Days are those of the metric's zone."""
    columns: RateColumns = RateColumns()
    """How the columns of ``rates`` are called."""
    on_missing: Literal["fail", "skip"] = "fail"
    """A row without a rate: ``fail`` refuses the value, ``skip`` leaves the row out and says how many were."""
    round: Count | None = None
    """Decimal places to which each converted amount is rounded, half away from zero; None = not rounded, the sum is exact."""


class Dedup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of several rows of the source with one key, which one counts; chosen before any filter."""

    key: Names
    """The columns that make rows the same."""
    order_by: Names
    """The first in this order is kept, as ``loaded_at desc``. What ties is put in order by all columns the metric uses."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numerator or the denominator of a ratio: an aggregate over the rows of the metric, or some of them."""

    agg: Literal["sum", "count", "count_distinct"] = "sum"
    """How its values become one."""
    expr: str | None = None
    """The value of one row; ``count`` needs none."""
    filters: tuple[Filter, ...] = ()
    """Which of the metric's rows it takes; none = all."""


class Bridge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A promise that the gap to another metric has known causes only."""

    to: str
    """The other metric."""
    causes: tuple[str, ...] = ()
    """The slots that may differ, as ``time_column`` or ``expr``."""
    max_unexplained: int | float = 0
    """How much of the gap other causes may make."""
    severity: Literal["warn", "error"] = "warn"
    """What a run does when another cause carries more: ``warn`` says so, ``error`` holds the publication."""


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"name": "metric"}):
    """One entry of the dictionary. Either ``source`` with what follows from it, or ``sql``."""

    name: Annotated[str, Meta(description="The full name, as `finance.net_revenue`; without it, the file's path says it.")]
    """The metric's full name."""
    description: str | None = None
    """What the number means, for readers."""
    owner: str | None = None
    """Who answers for it."""
    status: Status = "draft"
    """``standard``: the definition to use. ``deprecated``: to be replaced."""
    source: TableText | None = None
    """The table or view whose rows it is about."""
    sql: str | None = None
    """Instead of ``source``: one SELECT that gives the number of the period from ``$start`` to before ``$end``."""
    grain: Names = ()
    """One row of the source per this key."""
    agg: Aggregation = "sum"
    """How the values of the rows become one number."""
    expr: str | None = None
    """The value of one row; ``count`` counts rows without it."""
    numerator: Part | None = None
    """Of a ratio."""
    denominator: Part | None = None
    """Of a ratio."""
    agg_time_dimension: TimeDimension | None = None
    """What puts a row into a period; without it the metric has no periods."""
    filters: tuple[Filter, ...] = ()
    """Conditions that all must be true."""
    joins: tuple[Join, ...] = ()
    """Tables whose columns it uses, in this order."""
    currency: Currency | None = None
    """Into which currency each row is converted."""
    dedup: Dedup | None = None
    """Which of several rows with one key counts."""
    dimensions: tuple[str, ...] = ()
    """Columns by which the value may be split; ``alias.column`` for a joined table's."""
    unit: str | None = None
    """What the number counts, such as EUR."""
    record: Literal["day", "week", "month"] | None = None
    """Runs record its value for the running and the last whole one of these. With ``bridges`` and without this: month."""
    bridges: tuple[Bridge, ...] = ()
    """Gaps to other metrics, checked in every run."""
    span: Span = Span("")
    """Where it stands."""

    @property
    def alias(self) -> str:
        """What the source is called in the metric's SQL."""
        return (self.source or "").rpartition(".")[2]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the declaration names: the source first, then joins, then rates. A plain ``sql`` is not looked into."""
        found = (self.source, *(join.to for join in self.joins), self.currency.rates if self.currency else None)
        return tuple(dict.fromkeys(name for name in found if name is not None))


def as_names(names: Names) -> tuple[str, ...]:
    """One or several names as several."""
    return (names,) if isinstance(names, str) else names


class MetricInput(msgspec.Struct, frozen=True):
    """The version of a table that a value was computed from."""

    table: str
    snapshot: int | None = None
    published_at: str | None = None
    version: str | None = None
    """Of the table's content, the same in every copy of the project; None when an older snapshot was asked for."""
