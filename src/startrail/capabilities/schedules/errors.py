"""What can go wrong around schedules: codes ST850 to ST859."""

from __future__ import annotations

from startrail.base.errors import UsageError


class BadSchedule(UsageError):
    """A cron expression or time zone on the command line cannot be read.

    Write five fields (``"0 6 * * *"``) and an IANA zone (``Europe/Madrid``).
    """

    code = "ST850"


class NoSchedule(UsageError):
    """The project declares no schedule, so there is nothing to install.

    Write ``schedules/NAME.yml`` with a ``cron:``, or give a source or model a ``schedule:``.
    """

    code = "ST851"


class BadScript(UsageError):
    """A script cannot be taken in.

    It cannot be read, is not UTF-8, is empty, has a Startrail header already, or its name cannot be a model's. Nothing was
    written. The message says which, the hint how to go on.
    """

    code = "ST852"


class AlreadyThere(UsageError):
    """A file that would be written exists already, and is left as it is.

    Give another name, or another folder.
    """

    code = "ST853"


class CannotInstall(UsageError):
    """The glue for a scheduler cannot be written for this place or name.

    A path with a line break cannot stand in a unit or a crontab, and a container needs the name of its image.
    """

    code = "ST854"
