"""What can go wrong with the ledger: codes ST500 to ST529.

They stand here, below the flow and the adapters, because both must name them.
"""

from __future__ import annotations

from startrail.base.errors import LedgerError


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer version of Startrail.

    An older program would not know what the newer one promised, so it does not touch the ledger at all.
    Upgrade Startrail on this machine to the version the others use.
    """

    code = "ST501"


class PublishConflict(LedgerError):
    """Someone else moved a table between preparing a publication and publishing it.

    Nothing was changed: every table still shows what it showed. Run again; the work already staged is kept,
    and the publication is prepared anew on top of what is there now.
    """

    code = "ST502"


class LeaseLost(LedgerError):
    """Another runner has taken over the work that this one held.

    This process was silent for longer than its lease (a suspended machine, a stopped process, a long pause) or was
    taken for dead. It may change nothing more. Nothing is lost: the other runner goes on from the ledger.
    """

    code = "ST503"


class LedgerDamaged(LedgerError):
    """The file or schema named as ledger is something else, or is damaged.

    When the path or schema is wrong, correct the profile. When the file is damaged, put it aside and restore the last
    backup; deliveries landed since are found again by the next run, because their bytes lie in the store.
    """

    code = "ST504"


class LedgerReadOnly(LedgerError):
    """The ledger cannot be written: no permission, a read-only disk, or a command that only reads.

    Give the user who runs Startrail the right to write the ledger's file *and* its folder
    (for PostgreSQL: to create and change tables in the ledger's schema).
    """

    code = "ST505"


class LedgerBusy(LedgerError):
    """Another process kept the ledger locked for longer than we wait.

    Transactions last milliseconds, so something is stuck: a stopped process, a database browser with an open
    transaction, a backup that locks the file. Close it and run again.
    """

    code = "ST506"
    transient = True


class LedgerDiskFull(LedgerError):
    """The disk that holds the ledger is full.

    The transaction was undone as a whole. Make room and run again.
    """

    code = "ST507"


class LedgerUnreachable(LedgerError):
    """The PostgreSQL server of the ledger does not answer, or the connection broke.

    When a connection breaks during a publication it is either wholly done or not at all; the next run finds out which.
    Check host, port and network, then run again.
    """

    code = "ST508"
    transient = True


class LedgerPasswordWrong(LedgerError):
    """The PostgreSQL server of the ledger refused the user or the password.

    Correct the secret that the profile's ``ledger.dsn`` refers to.
    """

    code = "ST509"


class LedgerTooOld(LedgerError):
    """The ledger has an older layout, and a command that only reads may not change it.

    Run a command that writes, such as ``startrail run``: it brings the ledger forward by itself.
    """

    code = "ST510"


class LedgerDiskFailed(LedgerError):
    """The operating system reported an error while the ledger's file was read or written.

    Look at the disk and at the system's log. Nothing was half written: the transaction was undone.
    """

    code = "ST511"


class LedgerRefused(LedgerError):
    """The connection string of the ledger cannot be used, or PostgreSQL refused it.

    The database is missing, the user may not connect to it, or the text is not a connection string.
    Correct ``ledger.dsn`` of the profile.
    """

    code = "ST512"


class TickTaken(LedgerError):
    """Another runner was quicker to claim a tick of a schedule.

    Nothing is wrong: of all that race for a tick, one runs it. The others go on to the next.
    """

    code = "ST520"


class RunTaken(LedgerError):
    """A run is to be recorded under an id that another run has already. Nothing was changed.

    Ids hold 40 random bits, so run again: it gets another one. When it happens twice, the machine's source of randomness is
    broken.
    """

    code = "ST521"
