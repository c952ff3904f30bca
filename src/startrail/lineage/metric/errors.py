"""What can be wrong with the SQL of a metric before an engine has seen it."""

from __future__ import annotations

from startrail.base.errors import ModelError


class MetricSql(ModelError):
    """A piece of a metric's SQL cannot be used.

    ``expr``, ``sql`` of a filter and ``on`` are single expressions over columns: no subquery, no aggregate, no window, no
    parameter, nothing that gives another answer tomorrow (``now()``, ``random()``). The aggregate is said by ``agg``,
    tables by ``source`` and ``joins``, the period by ``agg_time_dimension``.
    """

    code = "ST435"


class MetricColumn(ModelError):
    """A metric names a column that its tables do not have.

    Columns without a table in front are the source's; those of a joined table are written ``alias.column``.
    """

    code = "ST436"


class MetricShape(ModelError):
    """A metric cannot be computed as it is declared.

    The message says which parts do not go together, for example a conversion by day without a time column. Mend the
    declaration in ``metrics/``.
    """

    code = "ST437"
