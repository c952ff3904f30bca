"""What can go wrong between the rows and the file that people open."""

from __future__ import annotations

from startrail.base.errors import ReportError


class NoSuchDestination(ReportError):
    """The folder or bucket that a report is delivered to is not there.

    The last folder of a path is made when it is missing, never the ones above it, and never a bucket: a missing mount or
    a typing error must not become a new place. Make it, mount the disk, or correct ``destination``.
    """

    code = "ST702"


class DestinationClosed(ReportError):
    """The report may not be written where it is delivered, or the server refuses who logs in.

    Give the runner's user the right to write there, check the secrets that ``destination`` refers to, or choose another
    place.
    """

    code = "ST703"


class DestinationFull(ReportError):
    """There is no room left for the report.

    Free some space; the report that was there before is still there, whole. Then run again.
    """

    code = "ST704"


class DestinationFailed(ReportError):
    """The report could not be delivered, for a reason that the disk or the server gives.

    The report that was there before is still there, whole. It is tried again a few times, and in the next run.
    """

    code = "ST705"
    transient = True


class MissingExtra(ReportError):
    """A report's format or destination needs a package that is not installed.

    Install Startrail with the extra that the hint names.
    """

    code = "ST706"


class DoesNotFit(ReportError):
    """The rows do not fit into the report's format.

    A sheet ends at 1,048,576 rows and 16,384 columns, a cell at 32,767 characters. Deliver ``csv`` or ``parquet``,
    or have a query choose fewer rows.
    """

    code = "ST707"


class DestinationUnreachable(ReportError):
    """The server that a report is delivered to does not answer, or broke off.

    Check ``host``, ``port`` or ``endpoint`` of the destination, and the network. It is tried again a few times, and in the
    next run. When a mail server breaks off after it had the whole message, nobody can know whether it took it: then it may
    come twice, under the same Message-ID.
    """

    code = "ST708"
    transient = True


class DestinationUntrusted(ReportError):
    """The server that a report is delivered to did not prove who it is, so nothing was sent to it.

    For SSH, compare the fingerprint in the message with its administrator's, then declare ``host_key`` or add the key to
    ``known_hosts``. For mail, the certificate must be valid for ``host``; name your own authority as ``ca_file``.
    """

    code = "ST709"


class RecipientRefused(ReportError):
    """The mail server does not take messages for a recipient of the report. The other recipients get theirs.

    Correct the address under ``recipients``, or ask the server's administrator. It is tried again in every run until then.
    """

    code = "ST710"


class MailRefused(ReportError):
    """The mail server refused the sender or the message itself.

    Its answer stands in the message. Typical reasons: a ``sender`` that this user may not use, a message that is too large
    (lower ``largest``), a filter.
    """

    code = "ST711"


class TooLargeToMail(ReportError):
    """The report's file is larger than ``largest``, and there is no ``link`` that could be sent in its place.

    Add ``link`` to the destination (an address where readers find the file, such as that of a bucket it is delivered to as
    well), raise ``largest``, or have a query choose fewer rows.
    """

    code = "ST712"


class CannotReplace(ReportError):
    """A report of this name is there, and the SSH server cannot replace a file in one stroke.

    It lacks the extension posix-rename@openssh.com. Give the report a ``file`` with ``{date}``, remove the old file, or
    have the server changed.
    """

    code = "ST713"
