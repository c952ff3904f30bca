"""What can go wrong in the spine itself."""

from __future__ import annotations

from startrail.base.errors import LedgerError, ModelError, UsageError


class UnknownTable(ModelError):
    """A table is named that nothing has made yet.

    Look at the near miss in the hint, or run the project once so that the table exists.
    """

    code = "ST450"


class Unconserved(LedgerError):
    """The rows of a delivery do not add up: rows in are not loaded + quarantined + held + discarded.

    This is a defect of Startrail, never of your data. Nothing was published. Please report it with the run id.
    """

    code = "ST530"


class RunnerBusy(LedgerError):
    """Another runner works on this project, and waiting for it was not wanted or took too long.

    Wait for it, or run again with a longer ``--wait``. A runner that died is replaced by itself.
    """

    code = "ST531"
    transient = True


class ClockSetBack(LedgerError):
    """The clock stands well before the newest fact of the ledger.

    Facts must be in order of time. Set the clock right, or give ``--now`` an instant after the newest fact. An instant that
    the newest fact has passed by less than ten minutes may be given again: time goes on while a command works.
    """

    code = "ST532"


class UnknownSelection(UsageError):
    """``--select`` names something that is not in the project.

    Name a source, a model or a report; ``+name`` takes what it is made from too, ``name+`` what is made from it.
    """

    code = "ST810"
