"""Why a source cannot become a function."""

from __future__ import annotations

from startrail.base.errors import ResourceError, SourceError, UsageError


class UnknownBundleTarget(UsageError):
    """``--target`` names no kind of function that is known.

    Known is ``aws-lambda``.
    """

    code = "ST246"


class NotAFunction(SourceError):
    """This source, or this profile, cannot work as a function; the message says why.

    A function has no disk and no home folder: it lands into a bucket under a ledger in PostgreSQL, or it copies into a bucket
    without a ledger (``--copy-to``). Folders, agents and files of known hosts stay at home.
    """

    code = "ST247"


class NothingCallsIt(SourceError):
    """The source has neither a schedule nor a queue, so nothing would call its function.

    Give it a ``schedule:``, or ``events:`` in its feed, or choose ``--trigger s3``.
    """

    code = "ST248"


class FunctionTooLarge(ResourceError):
    """The package is larger than the cloud takes: 250 MB unpacked, layers included.

    Leave ``--vendor`` away and put the packages of ``requirements.txt`` into layers, or into a container image.
    """

    code = "ST249"


class NotVendorable(ResourceError):
    """A package that the function needs is not installed here, or was built for another kind of machine.

    Run the command on Linux with the function's processor and Python, for example in a container, or leave ``--vendor`` away.
    """

    code = "ST256"


class FunctionCallsItself(SourceError):
    """The function would write where it reads, and so call itself without end.

    Copy to another bucket, or to a prefix that neither lies in the source's nor holds it.
    """

    code = "ST257"


class BundleNotWritten(ResourceError):
    """The folder that ``--to`` names cannot be written.

    Check its owner and mode, or give another.
    """

    code = "ST259"
