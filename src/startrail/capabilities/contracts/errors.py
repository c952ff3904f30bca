"""Errors of loading under a contract."""

from __future__ import annotations

from typing import Any

from startrail.base.errors import ContractError, UsageError
from startrail.model.drift import Finding


class ReservedField(ContractError):
    """A contract declares a field under a name that loading uses for its own columns.

    ``_delivery``, ``_ordinal`` and ``_extra`` (in any letter case) say where a row came from and what it had beyond
    its contract. Rename the field in the contract; an alias can keep the producer's name.
    """

    code = "ST301"


class UnsupportedField(ContractError):
    """A contract declares a type that cannot be loaded.

    A map needs text keys, since the keys of a JSON object are text. Declare the field as an array of objects, or
    its keys as string.
    """

    code = "ST302"


class NotConserved(ContractError):
    """Rows went missing or came twice while a delivery was loaded: a defect of Startrail. Nothing was published.

    Rows in are counted where the bytes are cut into records; they must equal those loaded, quarantined and held.
    Report it with the delivery's media type and the contract; the landed bytes are untouched.
    """

    code = "ST320"


class DriftStopped(ContractError):
    """A delivery departs from its contract in a way for which its source says ``stop``. Nothing of it was loaded.

    The landed bytes stay, and what is published stays served. Mend the contract or the producer's data, or choose a
    milder verb for this kind of drift in the source, and run again.
    """

    code = "ST330"

    def __init__(self, message: str, *, findings: tuple[Finding, ...] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.findings = findings


class UnknownDrift(ContractError):
    """No delivery of the source shows such drift.

    ``startrail drift list --source NAME`` shows what there is: kinds and paths. A path is written as it stands there,
    such as ``$.coupon``; ``coupon`` will do.
    """

    code = "ST331"


class SeveralDrifts(UsageError):
    """At this path there are several kinds of drift, and only one can be meant.

    Say which one with ``--kind``.
    """

    code = "ST332"


class NotAcceptable(ContractError):
    """Drift of this kind can be acknowledged by nobody: the delivery could not be loaded even if somebody wanted it.

    A file that is cut off, a required field that is missing, a value of the wrong type: mend the data, the contract
    (an alias, an optional field) or declare repairs, and replay. Where the source says ``stop``, say ``hold`` or milder.
    """

    code = "ST333"


class ProofFailed(ContractError):
    """The integrity proof found a difference, so nothing was acknowledged.

    Rows that the drift should not have touched are not what they were, or rows are stored otherwise than they landed. The
    message names the delivery and the columns. Loading the delivery again from its landed bytes puts its rows right; then
    find out what wrote to the table.
    """

    code = "ST334"


class NoPatch(ContractError):
    """For this drift there is no change of the contract that would adopt it.

    A patch is made for new_field, undeclared_field, renamed, widened, unknown_value and new_value, from the values that
    were seen. Everything else is for a person to decide.
    """

    code = "ST335"


class BadEnd(UsageError):
    """The last day of an acknowledgement is over, or is no date.

    Give a day that is not over yet, as in ``--until 2026-12-31``; it counts in UTC, to its end.
    """

    code = "ST336"


class UnknownDelivery(ContractError):
    """Nothing is quarantined or held under that name.

    ``startrail quarantine list`` shows the deliveries that have refused rows, and their ids; the beginning of an id
    suffices where it is the only one.
    """

    code = "ST380"


class NotQuarantined(ContractError):
    """Rows that should be discarded are not in the quarantine.

    They were loaded, replayed or discarded before, or the delivery is held as a whole. ``startrail quarantine show``
    prints the rows that are there.
    """

    code = "ST381"


class NoPerson(ContractError):
    """Discarding rows needs a person and a reason.

    Leaving rows out is a decision that somebody answers for: give ``--reason``, and ``--by`` where the name of the user
    is not known.
    """

    code = "ST382"


class UnknownVersion(ContractError):
    """The ledger keeps no such version of the contract, or more than one under that number.

    ``startrail contract versions NAME`` lists what there is. A version can also be named by the beginning of its
    fingerprint, six characters or more.
    """

    code = "ST387"


class OtherColumns(ContractError):
    """A delivery cannot be loaded under an older contract version, because the table has other columns by now.

    Each column that the older version declares must be there, with the same type or a wider one. Declare the
    field in the contract as it is today, or its old name as an alias, and replay without ``--contract``.
    """

    code = "ST388"
