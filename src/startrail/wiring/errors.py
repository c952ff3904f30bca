"""What can go wrong before anything runs."""

from __future__ import annotations

from startrail.base.errors import UsageError


class UnknownProfile(UsageError):
    """The named profile is not in startrail.yml.

    Use one of those it declares; ``local`` is always there.
    """

    code = "ST801"


class NotAProject(UsageError):
    """The folder has no startrail.yml.

    Go to the project folder, name it with ``-C``, or make one with ``startrail init``.
    """

    code = "ST802"


class UnknownSource(UsageError):
    """No source of this name is declared.

    The message names the nearest one; ``startrail status`` shows all of them.
    """

    code = "ST254"


class NotATarget(UsageError):
    """What ``--to`` names is neither a bucket nor a folder.

    Write ``s3://BUCKET/PREFIX``, or the path of a folder of this machine.
    """

    code = "ST255"
