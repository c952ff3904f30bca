"""A folder of this machine as a store.

Plain system calls instead of obstore: its ``LocalStore`` (0.12) renames into place but never calls fsync, so a
power cut could leave an empty object under a name that the ledger already knows.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from startrail.adapters.store.folder_sync import FolderSync, sync_folder
from startrail.base.ids import token
from startrail.ports.store import NotStored, StoredObject, check_key, disk_error, not_stored

_BLOCK = 1 << 20
_BUFFER = 1 << 16
_BEHIND = 8 << 20
_LEFT_BEHIND_SECONDS = 86_400
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.=-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.=-]*)*")
"""Keys that stand in an address as they are."""


class LocalStore:
    """Objects are files under ``root``, which is made at the first write."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow a link that the user chose
        self._address = f"{self._root.as_uri()}/"
        self._syncs: dict[Path, FolderSync] = {}
        self._numbers = itertools.count()

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        target = self._path(key)
        with _errors(key, writing=True), self._written(data) as new:
            self._replace(new, target)
        return new.size

    def put_if_absent(self, key: str, data: bytes | Iterable[bytes]) -> bool:
        target = self._path(key)
        with _errors(key, writing=True):
            if target.exists():
                self._sync(target.parent)  # its writer may not have come so far
                return False
            with self._written(data) as new:
                return self._link(new, target)

    def put_as(
        self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
    ) -> bool:
        with _errors("a file that arrives", writing=True), self._written(data) as new:
            name = key if isinstance(key, str) else key()
            if name is None:
                return False
            target = self._path(name)
            with _errors(name, writing=True):
                if not replace:
                    return self._link(new, target)
                self._replace(new, target)
                return True

    @cached_property
    def scratch(self) -> Path:
        folder = self._root / ".scratch"
        with _errors(".scratch", writing=True):
            _make_folder(folder)
            _sweep(folder)
        return folder

    def adopt(self, path: Path, key: str) -> int:
        target = self._path(key)
        with _errors(key, writing=True):
            size = path.stat().st_size
            _make_folder(target.parent)
            try:
                _sync_file(path)
                path.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                with path.open("rb") as source:
                    self.put(key, iter(lambda: source.read(_BLOCK), b""))
                path.unlink()
            self._sync(target.parent)
        return size

    def get(self, key: str) -> bytes:
        with _errors(key):
            return self._path(key).read_bytes()

    def open(self, key: str) -> BinaryIO:
        with _errors(key):
            return self._path(key).open("rb")

    def local(self, key: str) -> AbstractContextManager[Path]:
        path = self._path(key)
        if self.size(key) is None:
            raise not_stored(key)
        return contextlib.nullcontext(path)

    def size(self, key: str) -> int | None:
        try:
            with _errors(key):
                found = self._path(key).stat()
                return found.st_size if stat.S_ISREG(found.st_mode) else None
        except NotStored:
            return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        whole, _, beginning = prefix.rpartition("/")
        folder = self._path(whole) if whole else self._root
        with _errors(prefix):
            for path in _files(folder, beginning):
                if self._root / ".scratch" in path.parents:
                    continue
                with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                    found = path.stat()
                    key = path.relative_to(self._root).as_posix()
                    yield StoredObject(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, key: str) -> None:
        with _errors(key, writing=True), contextlib.suppress(IsADirectoryError, NotADirectoryError):
            self._path(key).unlink(missing_ok=True)

    def uri(self, key: str) -> str:
        return self._path(key).as_uri()

    def key(self, uri: str) -> str:
        if uri.startswith(self._address) and _PLAIN.fullmatch(uri, len(self._address)):
            return uri[len(self._address) :]  # the rule; what follows is for names that an address has to encode
        parts = urlsplit(uri)
        path = Path(unquote(parts.path))
        if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not path.is_relative_to(self._root):
            raise ValueError(f"'{uri}' is not in the store {self._root.as_uri()}")
        return check_key(path.relative_to(self._root).as_posix())

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _replace(self, new: _New, target: Path) -> None:
        """Give a complete file its name, whoever has it."""
        _in_folder(lambda: os.replace(new.path, target), target.parent)  # noqa: PTH105 - of a text, as it is for every small file
        new.is_moved = True
        self._sync(target.parent)

    def _link(self, new: _New, target: Path) -> bool:
        """Give a complete file its name, unless another one has it."""
        try:
            _in_folder(lambda: os.link(new.path, target), target.parent)
            return True
        except FileExistsError:
            return False
        finally:
            self._sync(target.parent)

    def _sync(self, folder: Path) -> None:
        """Names in it are on the disk from here on."""
        sync = self._syncs.get(folder)
        if sync is None:
            sync = self._syncs.setdefault(folder, FolderSync(folder))  # of two threads one wins, for both
        sync()

    @contextmanager
    def _written(self, data: bytes | Iterable[bytes]) -> Iterator[_New]:
        """A complete, synced file in scratch that is gone afterwards unless it was renamed."""
        new = _New(f"{self._beginning}-{os.getpid()}-{next(self._numbers)}")
        try:
            with open(new.path, "xb", buffering=_BUFFER) as out:  # noqa: PTH123 - as above
                new.size = _write(out, (data,) if isinstance(data, bytes) else data)
                out.flush()
                os.fsync(out.fileno())
            yield new
        finally:
            if not new.is_moved:
                with contextlib.suppress(OSError):
                    os.unlink(new.path)  # noqa: PTH108 - as above

    @cached_property
    def _beginning(self) -> str:
        """Of the names of this store's files in scratch, which no other store has; a process that is forked from this one adds its number."""
        return str(self.scratch / token(12))


class _New:
    """A file in scratch."""

    def __init__(self, path: str) -> None:
        self.path, self.size, self.is_moved = path, 0, False


def _write(out: BinaryIO, chunks: Iterable[bytes]) -> int:
    """How many bytes came. They are on their way to the disk before the last of them comes: the sync finds little to do."""
    written = told = 0
    for chunk in chunks:
        written += out.write(chunk)
        if written - told >= _BEHIND:
            _begin_writing(out.fileno(), told, written - told)
            told = written
    return written


def _begin_writing(handle: int, start: int, count: int) -> None:
    """Linux begins to write what it is told to forget, and forgets only what is on the disk already."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):  # it is only advice; a disk that fails is told by the sync
            os.posix_fadvise(handle, start, count, os.POSIX_FADV_DONTNEED)


def _files(folder: Path, beginning: str = "") -> Iterator[Path]:
    """Files below a folder, by the order of their keys; only names with the given beginning at the first level."""
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.startswith(beginning)]
    except (FileNotFoundError, NotADirectoryError):
        return
    # a folder's children sort as if its name ended in "/", which is what their keys look like
    for entry in sorted(entries, key=lambda entry: entry.name + ("/" if entry.is_dir() else "")):
        if entry.is_dir():
            yield from _files(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


def _in_folder(name: Callable[[], None], folder: Path) -> None:
    """Give a file its name in a folder, which is nearly always there."""
    try:
        name()
    except FileNotFoundError:
        _make_folder(folder)
        name()


def _make_folder(folder: Path) -> None:
    """Make it and its parents, each synced into the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove what killed processes left; the folder's own clock decides the age, not this machine's."""
    marker = folder / token(12)
    marker.touch()
    now = marker.stat().st_mtime
    marker.unlink()
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            if now - entry.stat(follow_symlinks=False).st_mtime > _LEFT_BEHIND_SECONDS:
                _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    if not entry.is_dir(follow_symlinks=False):
        return Path(entry.path).unlink()
    import shutil  # rarely needed, and it loads every kind of archive

    return shutil.rmtree(entry.path)


@contextmanager
def _errors(key: str, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, key, writing=writing) from error
