"""What can go wrong with incidents: codes ST540 to ST569."""

from __future__ import annotations

from startrail.base.errors import LedgerError, UsageError


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


class UnknownPauseSource(UsageError):
    """A source was to be paused or resumed that the project does not have.

    Take a name of ``sources/``; the hint names the nearest one.
    """

    code = "ST560"


class BadPause(UsageError):
    """A pause has no reason, or an end that has passed or lies too far ahead.

    Say why, and until when: ``--for 2h``. After 31 days a source that nobody may ask is better taken out of the project.
    """

    code = "ST561"


class PauseRefused(LedgerError):
    """A source may not be paused once more: the book of mitigations has bounds, or the project does not allow it.

    It is recorded, and an incident about the source gets graver, because now a person has to mend the cause.
    ``mitigations:`` in ``incidents/*.yml`` says how often.
    """

    code = "ST562"


class NotPaused(UsageError):
    """A source was to be resumed that is not paused; its pause may have ended by itself.

    ``startrail status`` shows what is paused, and until when.
    """

    code = "ST563"
