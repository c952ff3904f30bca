"""A bucket of any S3 API as a store."""

from __future__ import annotations

import contextlib
import io
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from startrail.adapters.s3.api import account_of
from startrail.adapters.store.cache import Cache
from startrail.adapters.store.s3.client import Client
from startrail.adapters.store.s3.direct import Digest, Direct, digest_of
from startrail.adapters.store.s3.leftovers import TEMPORARY, Leftovers
from startrail.adapters.store.s3.parts import PART
from startrail.adapters.store.s3.streams import Counter, Reader, measured
from startrail.base.errors import ResourceError
from startrail.model import profile
from startrail.ports.store import WRITTEN_ONCE, BadKey, NotStored, StoredObject, check_key, disk_error, not_stored

_BLOCK = 1 << 20
_LARGEST_PUT = 256 << 20
"""A stream of this size at most goes in one PUT, which has to begin anew when it breaks. Larger ones go in parts."""
_LARGEST_COPY = 5 << 30
"""What one copy within a bucket may have, by the S3 API."""


class S3Store:
    """``cache`` is a local folder for downloads and for files that are still being written.

    ``access_key`` and ``secret_key`` are the resolved secrets; without them the environment's own are found.
    """

    def __init__(
        self,
        declared: profile.S3Store,
        cache: Path,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        timeout: timedelta = timedelta(seconds=30),
        retries: int = 4,
    ) -> None:
        self._name = declared.bucket
        self._prefix = declared.prefix.strip("/")
        if self._prefix:
            check_key(self._prefix)
        account = account_of(declared, access_key, secret_key)
        self._endpoint = account.endpoint
        self._client = Client(account, timeout=timeout.total_seconds(), retries=retries)
        self._direct = Direct(self._client, declared.bucket, self._at)
        self._leftovers = Leftovers(self._client, account, self._at, lambda key, data: self._direct.whole.put(key, [data]))
        self._cache_folder = cache
        self._cache = Cache(cache / "objects")

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        at = self._at(check_key(key))
        pieces, stream = measured((data,) if isinstance(data, bytes) else data, PART)
        if stream is None:
            self._direct.whole.put(at, pieces)
            return sum(map(len, pieces))
        counter = Counter(stream)
        self._direct.parts.put(at, counter)
        return counter.size

    def put_if_absent(self, key: str, data: bytes | Iterable[bytes]) -> bool:
        check_key(key)
        pieces, stream = measured((data,) if isinstance(data, bytes) else data, PART)
        if stream is None:
            return self._direct.whole.put(self._at(key), pieces, replace=False)
        return self.size(key) is None and self._put_aside(stream, key, replace=False, size=None)

    def put_as(
        self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
    ) -> bool:
        if size is not None and PART < size <= _LARGEST_PUT and isinstance(key, str):
            return self._pass_on(data, check_key(key), replace, size)
        digest = digest_of(data)
        pieces, stream = measured(data, PART)
        if stream is not None:
            return self._put_aside(stream, key, replace=replace, size=size, digest=digest)
        name = key if isinstance(key, str) else key()
        if name is None:
            return False
        return self._direct.whole.put(self._at(check_key(name)), pieces, replace=replace, digest=digest)

    @cached_property
    def scratch(self) -> Path:
        folder = self._cache_folder / "scratch"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, str(folder), writing=True) from error
        return folder

    def adopt(self, path: Path, key: str) -> int:
        check_key(key)
        with path.open("rb") as file:
            size = self.put(key, iter(lambda: file.read(_BLOCK), b""))
        if key.startswith(WRITTEN_ONCE):
            self._cache.keep(self._once(key), Path(key).suffix, path)  # most often it is read at once
        path.unlink(missing_ok=True)
        return size

    def get(self, key: str) -> bytes:
        return b"".join(self._client.read(self._at(check_key(key))))

    def open(self, key: str) -> BinaryIO:
        size = self.size(key)
        if size is None:
            raise not_stored(key)
        return io.BufferedReader(Reader(self._client, self._at(key), size), buffer_size=PART)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        if check_key(key).startswith(WRITTEN_ONCE):
            version = self._once(key)
        else:
            found = self._client.head(self._at(key))
            if found is None:
                raise not_stored(key)
            version = f"{self.uri(key)} {found.headers.get('ETag') or found.headers.get('Last-Modified', '')}"
        with self._cache.path(version, Path(key).suffix, lambda target: self._download(key, target)) as path:
            yield path

    def size(self, key: str) -> int | None:
        found = self._client.head(self._at(check_key(key)))
        return None if found is None else int(found.headers.get("Content-Length", "0"))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        folder = prefix.rpartition("/")[0]
        if folder:
            check_key(folder)
        root = len(self._at(""))
        for found in self._client.listed(self._at(prefix)):
            with contextlib.suppress(BadKey):  # what is on its way, or others have put there
                yield StoredObject(check_key(found.key[root:]), found.size, found.modified)

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotStored):
            self._client.send("DELETE", self._at(check_key(key)))

    def uri(self, key: str) -> str:
        return self._base + check_key(key)

    def key(self, uri: str) -> str:
        if not uri.startswith(self._base):
            raise ValueError(f"'{uri}' is not in the store {self._base}")
        return check_key(uri.removeprefix(self._base))

    def _once(self, key: str) -> str:
        """The version of an object that has only one."""
        return f"{self._endpoint} {self.uri(key)}"

    @property
    def _base(self) -> str:
        return f"s3://{self._name}/{self._prefix}/" if self._prefix else f"s3://{self._name}/"

    def _at(self, key: str) -> str:
        """The key as the bucket knows it."""
        return f"{self._prefix}/{key}" if self._prefix else key

    def _pass_on(self, data: Iterable[bytes], key: str, replace: bool, size: int) -> bool:
        """One PUT, which needs neither a part in memory nor a second copy within the bucket."""
        if not replace and self.size(key) is not None:
            for _ in data:  # whoever reads it wants to know what it was
                pass
            return False
        return self._direct.whole.stream(self._at(key), data, size, replace=replace, digest=digest_of(data))

    def _put_aside(
        self,
        data: Iterable[bytes],
        key: str | Callable[[], str | None],
        *,
        replace: bool,
        size: int | None,
        digest: Digest | None = None,
    ) -> bool:
        """Upload aside, then copy within the bucket, if need be on the condition that the key is free."""
        self._leftovers.sweep()
        aside, counter = self._at(TEMPORARY + secrets.token_hex(12)), Counter(data)
        try:
            if size is not None and size <= _LARGEST_PUT:
                self._direct.whole.stream(aside, counter, size, digest=digest)
            else:
                self._direct.parts.put(aside, counter)
            name = key if isinstance(key, str) else key()
            if name is None:
                return False
            at = self._at(check_key(name))
            if replace and counter.size <= _LARGEST_COPY:
                self._direct.copies.whole(aside, at)
                return True
            with self._leftovers.noted(name):
                return self._direct.copies.in_parts(aside, at, counter.size, _LARGEST_COPY, replace=replace)
        finally:
            with contextlib.suppress(ResourceError):
                self._client.send("DELETE", aside)

    def _download(self, key: str, target: Path) -> None:
        with target.open("wb") as out:
            for block in self._client.read(self._at(key)):
                out.write(block)
