"""Refusals of ``why``: a reason instead of a wrong number."""

from __future__ import annotations

from startrail.base.errors import ModelError, UsageError


class NotReproduced(ModelError):
    """The rows, put together slot by slot, do not give the number that a metric itself gives.

    Nothing is attributed. A definition depends on something outside its slots, such as the order of rows that tie in
    ``dedup``. Compare the rows: ``startrail metric sql NAME`` prints both queries.
    """

    code = "ST452"


class NoGap(ModelError):
    """One of two metrics has no number for the period, so there is no gap to explain.

    A ratio or an average over no rows has no value. Choose a period in which both have rows.
    """

    code = "ST453"


class TooManyValues(ModelError):
    """A median or an extreme is over so many different values that its causes cannot be computed in memory.

    Ask about a shorter period, or compare sums.
    """

    code = "ST454"


class NothingToCompare(UsageError):
    """``why`` was asked about one metric without a second one, and without two times.

    Name two metrics, or one with ``--at`` and ``--vs``.
    """

    code = "ST455"


class VerifyFailed(ModelError):
    """A query with exactly one slot replaced gives another number than the attribution says.

    This is a defect of Startrail: the lines are not to be trusted. Report it with the two definitions.
    """

    code = "ST456"


class NothingToTakeOver(UsageError):
    """A patch was asked for that makes one definition the other's, and there is nothing to take over.

    Both say the same already, or one of them is no metric of the project, or both are the same at two times. Ask about two
    metrics whose definitions differ.
    """

    code = "ST466"


class PatchNotProven(ModelError):
    """A patch would not make two definitions one: on the data as it is, a difference would be left.

    Nothing is proposed. Compare what both compute: ``startrail metric sql NAME``.
    """

    code = "ST467"


class NoSuchSql(UsageError):
    """A file with the SQL of a side cannot be read.

    Name a text file that holds one SELECT.
    """

    code = "ST457"
