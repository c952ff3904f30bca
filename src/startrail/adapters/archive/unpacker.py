"""The Unpacker port: zip, and tar as it is or compressed with gzip or zstd."""

from __future__ import annotations

import errno
import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar, cast

from isal import igzip
from isal.igzip_lib import IsalError

from startrail.adapters.archive.counted import Count
from startrail.adapters.archive.tar_file import TarDamaged, tar_members
from startrail.adapters.archive.zip_file import ZipDamaged, zip_members
from startrail.adapters.archive.zstd import MAGIC, ZstdDamaged, open_zstd
from startrail.base.text import printable
from startrail.ports.archive import ArchiveUnreadable, Bounds, Member

T = TypeVar("T")
_GZIP = b"\x1f\x8b"
_ENDS = (EOFError,)
_SAYS = (ZipDamaged, TarDamaged)
_DAMAGED = (
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, ZstdDamaged, IsalError, ValueError, OverflowError,
    struct.error,
)  # fmt: skip
"""The library for zip checks little of what a directory says: places before the file, for example, are none of its errors."""
_UNKNOWN = (NotImplementedError,)
"""A way of compressing that the library does not know."""


class ArchiveUnpacker:
    """Stateless."""

    def members(
        self, file: BinaryIO, kind: str, name: str, bounds: Bounds, wanted: Callable[[str], bool], passed: Callable[[str], None]
    ) -> Iterator[Member]:
        shown = printable(name, 120)
        packed = file.seek(0, 2)
        file.seek(0)
        count = Count(shown, packed, bounds)
        found = self._members(file, kind, count, bounds, wanted, passed)
        while (member := _told(lambda: next(found, None), shown)) is not None:
            yield Member(member.path, _chunks(member.content, shown))

    def _members(
        self,
        file: BinaryIO,
        kind: str,
        count: Count,
        bounds: Bounds,
        wanted: Callable[[str], bool],
        passed: Callable[[str], None],
    ) -> Iterator[Member]:
        if kind == "zip":
            return zip_members(file, count, bounds.files, wanted, passed)
        head = file.read(len(MAGIC))
        file.seek(0)
        if head.startswith(_GZIP):
            file = cast("BinaryIO", igzip.IGzipFile(fileobj=file, mode="rb"))
        elif head == MAGIC:
            file = open_zstd(file)
        return tar_members(count.over(file), count.file, wanted, passed)


def _chunks(content: Iterator[bytes], shown: str) -> Iterator[bytes]:
    while (chunk := _told(lambda: next(content, None), shown)) is not None:
        yield chunk


def _told(step: Callable[[], T], shown: str) -> T:
    try:
        return step()
    except _SAYS as error:
        raise _unreadable(f"the archive '{shown}' {printable(str(error), 300)}") from error
    except _ENDS as error:
        raise _unreadable(f"the archive '{shown}' is cut off") from error
    except _DAMAGED as error:  # pyrefly: ignore[not-a-type]  (a tuple made at import)
        raise _unreadable(f"the archive '{shown}' is damaged: {printable(str(error), 200)}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place that no file has
            raise
        raise _unreadable(f"the archive '{shown}' is damaged: it names a place that it does not have") from error
    except _UNKNOWN as error:
        raise _unreadable(f"the archive '{shown}' cannot be read: {printable(str(error), 200)}") from error


def _unreadable(message: str) -> ArchiveUnreadable:
    return ArchiveUnreadable(message, affects="nothing of it is loaded; its bytes stay", hint="have a sound one sent")
