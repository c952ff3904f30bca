"""What can go wrong when a metric is asked for its value."""

from __future__ import annotations

from startrail.base.errors import ModelError, UsageError


class UnknownMetric(UsageError):
    """The project has no metric of this name.

    ``startrail metric list`` shows those there are; a metric is a file in ``metrics/``.
    """

    code = "ST438"


class BadPeriod(UsageError):
    """A period cannot be read, or the metric has none.

    Write 2026, 2026-Q4, 2026-10, 2026-W40, 2026-10-05, or two of them with .. between: 2026-10-01..2026-10-15.
    """

    code = "ST439"


class UnknownDimension(UsageError):
    """A metric cannot be split by what was asked for.

    Only declared ``dimensions`` can be asked for, and with a time column hour, day, week, month, quarter and year.
    """

    code = "ST441"


class FanOut(ModelError):
    """A join finds several rows where the metric allows one, so that rows would count several times.

    No value is given. Mend the joined table, put the missing condition into ``on``, or say what is meant:
    ``on_fanout: dedup`` with ``order_by`` keeps one of them, ``allow`` counts all.
    """

    code = "ST442"


class MissingRate(ModelError):
    """Rows have no rate for their currency and day.

    No value is given, because these rows would be left out without a word. Load the missing rates, or declare
    ``on_missing: skip``: then they are left out and counted.
    """

    code = "ST443"


class AmbiguousRate(ModelError):
    """The table of rates has two different rates for one currency and day.

    No value is given. Mend the table of rates, or name its column ``to`` under ``currency: {columns: ...}`` when it
    holds rates to several currencies.
    """

    code = "ST444"


class NoSuchMoment(UsageError):
    """A metric was asked as of a moment or snapshot that its tables do not have any more, or not yet.

    A table keeps its last fifty snapshots; ``startrail metric value NAME --json`` shows those in use.
    """

    code = "ST446"


class UnknownView(ModelError):
    """A metric was asked as of a moment at which a view that it reads had a definition that the ledger does not tell.

    Publications name the definition of each view since this version. Of earlier ones it is known only where a view was built
    in the same run, or never edited. No number is given, because today's definition may be another one. Name a later moment.
    """

    code = "ST465"


class NotNumbers(ModelError):
    """A metric does not give a number, or its time column holds no moments.

    Mend ``expr``, or cast the column in a model. Plain ``sql`` is one SELECT of one aggregate without GROUP BY.
    """

    code = "ST447"
