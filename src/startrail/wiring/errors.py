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
    """The project declares no source of that name.

    Mind the near miss in the hint; ``startrail sources list`` shows all.
    """

    code = "ST230"


class NotATarget(UsageError):
    """What ``--to`` names is neither a bucket nor a folder.

    Write ``s3://BUCKET/PREFIX``, or the path of a folder of this machine.
    """

    code = "ST255"
