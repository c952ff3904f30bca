"""What can be wrong with a report as it is declared."""

from __future__ import annotations

from startrail.base.errors import ReportError


class BadReportFile(ReportError):
    """A report's file name leads out of its folder, or is no file name.

    Write ``file`` as one plain name, with ``{date}`` where the day belongs: ``daily_sales_{date}.html``.
    """

    code = "ST700"


class UnknownReportColumn(ReportError):
    """A report orders by, or draws, a column that its rows do not have, or draws one that holds no numbers.

    Take a column of the model or query; the hint names the nearest one.
    """

    code = "ST701"
