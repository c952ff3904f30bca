"""Bytes under keys, on a local disk or in an object store."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

import msgspec

from startrail.base.errors import ResourceError
from startrail.base.text import printable


class NotStored(ResourceError):
    """An object that should be in the store is not there.

    Somebody deleted it, or the profile names another store than the one it was written to. Compare the profile's
    ``store`` with the one of earlier runs; landed files can be delivered again by their source.
    """

    code = "ST601"


class StoreForbidden(ResourceError):
    """The store does not let this user read or write.

    For a folder: check its owner and mode, and that its file system is not mounted read-only. For a bucket: check
    the keys of the profile and the bucket's policy.
    """

    code = "ST602"


class StoreFull(ResourceError):
    """There is no room left in the store; nothing was written under the key.

    Free space or raise the quota, then run again: the run goes on where it stopped.
    """

    code = "ST603"


class StoreUnreachable(ResourceError):
    """The store did not answer, or broke off.

    Check the network and the profile's ``endpoint``. It is tried again a few times before the step fails.
    """

    code = "ST604"
    transient = True


class BadKey(ResourceError):
    """A key that no store may have: absolute, with an empty part, with ``..`` or with control characters.

    This guards the files outside of the store. It is a defect of Startrail unless you typed the key.
    """

    code = "ST605"


class StoreFailed(ResourceError):
    """The store refused for a reason of its own, which the message gives.

    Typical reasons: no such bucket, a key that is too long, a file where a folder should be, a failing disk.
    """

    code = "ST606"


def disk_error(error: OSError, what: str, *, writing: bool) -> ResourceError:
    """What a failed system call on a store's file means; ``what`` is the key or path as a person knows it."""
    verb = "written" if writing else "read"
    shown = printable(what)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR) and not writing:
        return not_stored(what)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"no room is left on the disk for '{shown}'", hint="free space or raise the quota, then run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        reason = "its file system is read-only" if error.errno == errno.EROFS else "this user has no permission"
        place = printable(str(error.filename or what))
        return StoreForbidden(f"{place} cannot be {verb}: {reason}", hint="check the owner and mode of the store's folder")
    return StoreFailed(f"'{shown}' cannot be {verb}: {error.strerror or error}", hint="check the disk and the profile's `store`")


def not_stored(key: str) -> NotStored:
    """The error for an object that is not there."""
    return NotStored(f"there is no '{printable(key)}' in the store", hint="check that the profile's `store` is the right one")


_NO_NAMES = frozenset(("", ".", ".."))
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


def check_key(key: str) -> str:
    """The key itself when it is one. Raises BadKey (ST605)."""
    parts = key.split("/")
    if not _NO_NAMES.isdisjoint(parts) or _UNFIT.search(key) or parts[0] == ".scratch":
        raise BadKey(f"{key!r} is not a key of a store", hint="a key is names joined by '/', without '..' or empty names")
    return key


WRITTEN_ONCE = ("landing/", "tables/")
"""Keys that begin so hold the same bytes for ever once they are there, since each names its content or the one step that
wrote it. So a copy of such an object is good without asking whether it has changed."""


class StoredObject(msgspec.Struct, frozen=True):
    """``key`` uses ``/`` and never starts with it; ``size`` in bytes."""

    key: str
    size: int
    modified: datetime


@runtime_checkable
class Digested(Protocol):
    """A stream of bytes that knows the SHA-256 (in hexadecimal) of what has passed, so that a store need not compute it again."""

    @property
    def sha256(self) -> str: ...


class Store(Protocol):
    """A flat space of keys. Writes are atomic and durable: a reader sees all of an object or none of it,
    and what ``put`` returned from survives a power cut. Keys are ``/``-separated; ``..`` and empty parts are refused.
    Never use both ``a`` and ``a/b``: a local store cannot hold a file and a folder of one name.

    Raises ResourceError subclasses: not found ST601, no permission ST602, full ST603, unreachable ST604 (transient),
    bad key ST605, anything else ST606. Safe to share between threads.
    """

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        """Write or replace; returns the size in bytes. A stream is never held in memory as a whole."""
        ...

    def put_if_absent(self, key: str, data: bytes | Iterable[bytes]) -> bool:
        """Write unless the key exists; False when it does. Atomic between processes."""
        ...

    def put_as(
        self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
    ) -> bool:
        """Write a stream whose key may be known only when it has ended: ``key`` is asked then, and None gives it up.
        A key and a ``size`` that are known beforehand spare some stores a second copy; a stream may be refused when it
        has another size, with a transient error. One that is Digested is not hashed a second time.

        False when it was given up, or when not to ``replace`` an object that is there. Of a stream that breaks nothing
        is left. Held in memory are a few parts at most, and a store that is not local keeps nothing on the local disk."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder of this machine for files that are still being written. From here :meth:`adopt` costs a rename
        when the store is local, and what a killed process left behind is removed after a day."""
        ...

    def adopt(self, path: Path, key: str) -> int:
        """Move a finished local file in under ``key``; the local file is gone afterwards. Returns its size."""
        ...

    def get(self, key: str) -> bytes: ...

    def open(self, key: str) -> BinaryIO:
        """Read as a stream that can seek."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A local path with the object's bytes, for engines that read files. Do not write to it.

        The file itself for a local store, a cached download for a remote one.
        """
        ...

    def size(self, key: str) -> int | None:
        """Size in bytes, or None when there is no such object."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """All objects whose key begins with ``prefix`` (any text, not only whole parts), in order of keys."""
        ...

    def delete(self, key: str) -> None:
        """Remove; no error when it is already gone."""
        ...

    def uri(self, key: str) -> str:
        """Absolute address for other programs: ``file:///…`` or ``s3://…``."""
        ...

    def key(self, uri: str) -> str:
        """The inverse of :meth:`uri`. Raises ValueError for an address outside this store."""
        ...
