"""Files in a folder of this machine."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing, is_recursive, safe_name
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import FeedFailed, FeedForbidden, FeedMissing, Offer, StillGrowing

_BLOCK = 1 << 20


class FolderFeed(FileFeed):
    """``project`` is the folder that a relative ``path`` starts from."""

    def __init__(self, declared: source.FolderFeed, project: Path, clock: Clock) -> None:
        self._root = Path(os.path.abspath(project / declared.path))  # noqa: PTH100 - the user's link stays a link
        self.lanes = declared.transfers
        self._recursive = is_recursive(declared.pattern)
        self._listing = Listing(declared.pattern, clock, settle=declared.settle, complete=declared.complete)

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        path = self._root / self._listing.entry(offer).path
        try:
            with _opened(path, self._root, offer) as file:
                file.seek(start)
                while block := file.read(_BLOCK):
                    yield block
                if _stamp(os.fstat(file.fileno())) != offer.stamp:
                    raise StillGrowing(f"'{offer.name}' changed while it was read", hint="it is left for the next run")
        except FileNotFoundError as error:
            raise StillGrowing(f"'{offer.name}' is gone since it was listed") from error
        except OSError as error:
            raise _translated(error, offer.name) from error

    def _entries(self) -> Iterator[Entry]:
        try:
            real_root = self._root.resolve(strict=True)
            yield from self._walk(self._root, "", real_root)
        except OSError as error:
            raise _translated(error, str(self._root)) from error

    def _walk(self, folder: Path, above: str, real_root: Path) -> Iterator[Entry]:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = above + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if self._recursive:
                        yield from self._walk(folder / entry.name, path + "/", real_root)
                elif self._listing.wants(path) and _is_inside(entry, real_root):
                    try:
                        found = entry.stat()
                    except FileNotFoundError:  # gone since it was listed
                        continue
                    time = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield Entry(path, safe_name(path), _stamp(found), found.st_size, time)


def _is_inside(entry: os.DirEntry[str], real_root: Path) -> bool:
    """A regular file, or a link to one that does not lead out of the folder."""
    if not entry.is_symlink():
        return entry.is_file()
    return entry.is_file() and Path(entry.path).resolve().is_relative_to(real_root)


def _opened(path: Path, root: Path, offer: Offer) -> BinaryIO:
    # what was a file when it was listed may by now be a pipe, which must not block us, or a link to elsewhere
    target = path.resolve(strict=True)
    if not target.is_relative_to(root.resolve()):
        raise StillGrowing(f"'{offer.name}' became a link to another folder since it was listed")
    handle = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    file = os.fdopen(handle, "rb")
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or _stamp(found) != offer.stamp:
        file.close()
        raise StillGrowing(f"'{offer.name}' changed since it was listed", hint="it is left for the next run")
    return file


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"


def _translated(error: OSError, what: str) -> SourceError:
    shown = printable(what)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return FeedMissing(f"there is no '{shown}'", hint="check `path` in the source's feed")
    if error.errno in (errno.EACCES, errno.EPERM):
        return FeedForbidden(f"this user may not read '{shown}'", hint="check the owner and mode of the folder and its files")
    return FeedFailed(f"'{shown}' could not be read: {error.strerror or error}", hint="check the disk or mount that it is on")
