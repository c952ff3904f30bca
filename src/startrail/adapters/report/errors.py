"""What can go wrong between the rows and the file that people open."""

from __future__ import annotations

from startrail.base.errors import ReportError


class NoSuchDestination(ReportError):
    """The folder that a report is delivered to is not there.

    The last folder of the path is made when it is missing, never the ones above it: a missing mount or a typing
    error must not become a new folder. Make the folder, mount the disk, or correct ``destination``.
    """

    code = "ST702"


class DestinationClosed(ReportError):
    """The report may not be written into its folder.

    Give the runner's user the right to write there, or choose another folder under ``destination``.
    """

    code = "ST703"


class DestinationFull(ReportError):
    """There is no room left for the report.

    Free some space; the report that was there before is still there, whole. Then run again.
    """

    code = "ST704"


class DestinationFailed(ReportError):
    """The report could not be written, for a reason that the disk or the file system gives.

    The report that was there before is still there, whole. Run again when the cause is mended.
    """

    code = "ST705"
    transient = True


class MissingExtra(ReportError):
    """A report's format needs a package that is not installed.

    Install Startrail with the extra that the hint names.
    """

    code = "ST706"


class DoesNotFit(ReportError):
    """The rows do not fit into the report's format.

    A sheet ends at 1,048,576 rows and 16,384 columns, a cell at 32,767 characters. Deliver ``csv`` or ``parquet``,
    or have a query choose fewer rows.
    """

    code = "ST707"
