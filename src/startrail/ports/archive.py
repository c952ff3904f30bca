"""Opening archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import msgspec

from startrail.base.errors import SourceError


class ArchiveUnreadable(SourceError):
    """An archive is damaged, cut off, encrypted, or of a form that is not read. Nothing of it became a delivery.

    Its bytes are landed and stay. Have a sound, unencrypted archive sent; a declaration `archive` that says something else
    lets the next run try this one again. `startrail quarantine discard` gives it up.
    """

    code = "ST218"


class ArchiveTooLarge(SourceError):
    """An archive holds more files, or far more bytes, than its source allows. Nothing of it became a delivery.

    A small file that unpacks to terabytes is a known attack. If it is as it should be, raise `files`, `size` or `ratio`
    under `archive` in the source, and run again.
    """

    code = "ST219"


class Bounds(msgspec.Struct, frozen=True):
    """``files`` in all, ``size`` in bytes when unpacked, ``ratio`` of that to the archive's own bytes."""

    files: int
    size: int
    ratio: int


class Member(msgspec.Struct, frozen=True):
    """One file within. ``path`` stays within the archive, and is still to be made safe to show."""

    path: str
    content: Iterator[bytes]
    """To be read to its end before the next member is asked for; raises when it is not sound."""


class Unpacker(Protocol):
    """Reads archives as streams; memory does not grow with them. Raises ArchiveUnreadable and ArchiveTooLarge."""

    def members(
        self, file: BinaryIO, kind: str, name: str, bounds: Bounds, wanted: Callable[[str], bool], passed: Callable[[str], None]
    ) -> Iterator[Member]:
        """The regular files that are ``wanted``, in order. ``passed`` is told the paths of wanted links and devices,
        which are not followed. When it ends, the archive was sound to its end."""
        ...
