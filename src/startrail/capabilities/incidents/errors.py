"""What can go wrong with incidents: codes ST540 to ST559."""

from __future__ import annotations

from startrail.base.errors import LedgerError


class UnknownIncident(LedgerError):
    """There is no incident with this id, or several ids begin so.

    ``startrail incident list --all`` shows every incident with its id; the first digits are enough where they are one's alone.
    """

    code = "ST540"


class IncidentOver(LedgerError):
    """The incident is resolved: it can be acknowledged or resolved no more.

    Add a note if something is to be said; should the trouble come back, the incident is opened again by itself.
    """

    code = "ST541"


class NoReason(LedgerError):
    """A person who resolves an incident says why, and a note says something; the text was empty.

    Write one sentence in quotation marks: what was done, or why nothing has to be.
    """

    code = "ST542"


class IncidentsBusy(LedgerError):
    """Other processes recorded incidents all the time, so that this one never got its turn.

    Nothing is lost: the facts stay, and the next run or tick reads them.
    """

    code = "ST543"
    transient = True
