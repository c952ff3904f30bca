"""What can go wrong with stories: codes ST590 to ST599."""

from __future__ import annotations

from startrail.base.errors import UsageError


class StoryFileUnreadable(UsageError):
    """A file of stories cannot be read: it is not there, too large, or no text in UTF-8.

    Give a Markdown file of at most a megabyte; save it as UTF-8 when it comes from another program.
    """

    code = "ST590"


class NoStoryInFile(UsageError):
    """A file holds no story: none of the four parts was found in it.

    Write **Situation**, **Task**, **Action** and **Result** in bold, or as headings, each at the beginning of a line.
    """

    code = "ST591"


class StoryTooLong(UsageError):
    """A story, or their number in one file, is longer than a story for a person to read can be.

    Shorten the part, or split the file.
    """

    code = "ST592"


class UnknownPrinciple(UsageError):
    """This is not one of the leadership principles that stories are tagged with.

    They are ownership, dive deep, bias for action, deliver results, customer obsession.
    """

    code = "ST593"


class StoryFileTaken(UsageError):
    """A file with the name of an exported story is there already, and says something else.

    It may hold somebody's changes, so nothing was written. Export to another folder, or replace it: ``--replace``.
    """

    code = "ST594"


class StoriesNotWritten(UsageError):
    """The folder for exported stories could not be written to.

    Give a folder that you may write to; its parent must exist.
    """

    code = "ST595"


class UnknownStory(UsageError):
    """There is no story with this id, or several ids begin so.

    ``startrail stories`` shows every story with its id; the first digits are enough where they are one's alone.
    """

    code = "ST596"
