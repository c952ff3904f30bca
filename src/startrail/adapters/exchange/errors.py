"""Errors of reading samples."""

from __future__ import annotations

from startrail.base.errors import ContractError, UsageError


class SampleUnreadable(ContractError):
    """The sample file cannot be read in the format it was said to have.

    Nothing is guessed: say how it is written with ``--format``, ``--delimiter``, ``--encoding`` or ``--records``, or
    mend the file. The message names the first place that does not fit.
    """

    code = "ST370"


class UnknownSample(UsageError):
    """There is no such file or published table, or its name does not say what it is.

    Give the path of a CSV, NDJSON, JSON or Parquet file, with ``--format`` where its name has another ending, or
    the name of a published table as ``namespace.name``.
    """

    code = "ST371"
