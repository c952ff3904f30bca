"""A bucket of any S3 API as a store, over obstore."""

from __future__ import annotations

import contextlib
import io
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store as Bucket

from startrail.adapters.s3.api import account_of
from startrail.adapters.s3.bucket import open_bucket
from startrail.adapters.store.cache import Cache
from startrail.adapters.store.pump import pump
from startrail.adapters.store.s3.client import Client
from startrail.adapters.store.s3.direct import Digest, Direct, digest_of
from startrail.adapters.store.s3.errors import answers
from startrail.adapters.store.s3.leftovers import TEMPORARY, Leftovers
from startrail.adapters.store.s3.parts import PART
from startrail.adapters.store.s3.streams import Counter, Reader, measured
from startrail.base.text import printable
from startrail.model import profile
from startrail.ports.store import (
    WRITTEN_ONCE,
    NotStored,
    StoredObject,
    StoreUnreachable,
    check_key,
    disk_error,
    not_stored,
)

_PARTS_AT_ONCE = 4
_LONGEST = timedelta(hours=1)
"""For a part or a download, however slow."""
_MOST_PARTS = 9_000
_LARGEST_PUT = 256 << 20
"""A stream of this size at most goes in one PUT, which has to begin anew when it breaks. Larger ones go in parts."""
_LARGEST_COPY = 5 << 30
"""What one copy within a bucket may have, by the S3 API."""


class S3Store:
    """``cache`` is a local folder for downloads and for files that are still being written.

    ``access_key`` and ``secret_key`` are the resolved secrets; without them obstore finds the environment's own.
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
        self._name, self._endpoint = declared.bucket, declared.endpoint
        self._prefix = declared.prefix.strip("/")
        if self._prefix:
            check_key(self._prefix)
        self._account = account_of(declared, access_key, secret_key)
        self._direct = None
        if self._account is not None:
            self._direct = Direct(Client(self._account, timeout=timeout.total_seconds(), retries=retries), self._at)
        self._cache_folder = cache
        self._cache = Cache(cache / "objects")
        self._open = partial(
            open_bucket,
            declared,
            access_key=access_key,
            secret_key=secret_key,
            timeout=timeout,
            longest=_LONGEST,
            retries=retries,
            prefix=self._prefix or None,
            copy_if_not_exists="multipart",
        )
        self._leftovers = Leftovers(lambda: self._bucket, self._account, self._at, self._mark)

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        check_key(key)
        if isinstance(data, bytes):
            with answers(key):
                obstore.put(self._bucket, key, data, chunk_size=PART, max_concurrency=_PARTS_AT_ONCE)
            return len(data)
        pieces, stream = measured(data, PART)
        if stream is None:
            return self.put(key, b"".join(pieces))
        counter = Counter(stream)
        with answers(key):
            pump(counter, lambda parts: self._upload(key, parts))
        return counter.size

    def put_if_absent(self, key: str, data: bytes | Iterable[bytes]) -> bool:
        check_key(key)
        pieces, stream = measured((data,) if isinstance(data, bytes) else data, PART)
        if stream is None:
            return self._create(key, b"".join(pieces))
        return self.size(key) is None and self._put_aside(stream, key, replace=False, size=None)

    def put_as(
        self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
    ) -> bool:
        if size is not None and PART < size <= _LARGEST_PUT and isinstance(key, str) and self._direct is not None:
            return self._pass_on(data, check_key(key), replace, size)
        digest = digest_of(data)
        pieces, stream = measured(data, PART)
        if stream is not None:
            return self._put_aside(stream, key, replace=replace, size=size, digest=digest)
        name = key if isinstance(key, str) else key()
        if name is None:
            return False
        if self._direct is not None:
            return self._direct.whole.put(self._at(check_key(name)), pieces, replace=replace, digest=digest)
        if not replace:
            return self._create(check_key(name), b"".join(pieces))
        self.put(name, b"".join(pieces))
        return True

    @cached_property
    def _bucket(self) -> Bucket:
        """Opened when something is wanted that only obstore does: it takes a while."""
        with answers(self._name):
            return self._open()

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
        size = path.stat().st_size
        with answers(key):
            obstore.put(self._bucket, key, path, chunk_size=PART, max_concurrency=_PARTS_AT_ONCE)
        if key.startswith(WRITTEN_ONCE):
            self._cache.keep(self._once(key), Path(key).suffix, path)  # most often it is read at once
        path.unlink(missing_ok=True)
        return size

    def get(self, key: str) -> bytes:
        with answers(check_key(key)):
            return bytes(obstore.get(self._bucket, key).bytes())

    def open(self, key: str) -> BinaryIO:
        size = self.size(key)
        if size is None:
            raise not_stored(key)
        return io.BufferedReader(Reader(self._bucket, key, size), buffer_size=PART)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        if check_key(key).startswith(WRITTEN_ONCE):
            version = self._once(key)
        else:
            with answers(key):
                found = obstore.head(self._bucket, key)
            version = f"{self.uri(key)} {found['e_tag'] or found['last_modified']}"
        with self._cache.path(version, Path(key).suffix, lambda target: self._download(key, target)) as path:
            yield path

    def size(self, key: str) -> int | None:
        try:
            with answers(check_key(key)):
                return obstore.head(self._bucket, key)["size"]
        except NotStored:
            return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        folder = prefix.rpartition("/")[0]
        if folder:
            check_key(folder)
        with answers(prefix):
            for batch in obstore.list(self._bucket, prefix=folder or None):
                for found in batch:
                    if found["path"].startswith(prefix) and not found["path"].startswith(TEMPORARY):
                        yield StoredObject(found["path"], found["size"], found["last_modified"])

    def delete(self, key: str) -> None:
        with answers(check_key(key)), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._bucket, key)

    def uri(self, key: str) -> str:
        return self._base + check_key(key)

    def key(self, uri: str) -> str:
        if not uri.startswith(self._base):
            raise ValueError(f"'{uri}' is not in the store {self._base}")
        return check_key(uri.removeprefix(self._base))

    def _once(self, key: str) -> str:
        """The version of an object that has only one."""
        return f"{self._endpoint or ''} {self.uri(key)}"

    @property
    def _base(self) -> str:
        return f"s3://{self._name}/{self._prefix}/" if self._prefix else f"s3://{self._name}/"

    def _create(self, key: str, data: bytes) -> bool:
        """One PUT with ``If-None-Match: *``."""
        try:
            with answers(key):
                obstore.put(self._bucket, key, data, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            if self.size(key) is None:  # 409: another request for this key was under way, and came to nothing
                raise StoreUnreachable(f"the bucket is busy with '{printable(key)}'", hint="run again") from error
            return False
        return True

    def _at(self, key: str) -> str:
        """The key as the bucket knows it."""
        return f"{self._prefix}/{key}" if self._prefix else key

    def _pass_on(self, data: Iterable[bytes], key: str, replace: bool, size: int) -> bool:
        """One PUT, which needs neither a part in memory nor a second copy within the bucket."""
        assert self._direct is not None
        if not replace and self._direct.has(self._at(key)):
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
        aside, counter = TEMPORARY + secrets.token_hex(12), Counter(data)
        try:
            with answers("a file that arrives"):
                if self._direct is None:
                    pump(counter, lambda parts: self._upload(aside, parts))
                elif size is not None and size <= _LARGEST_PUT:
                    self._direct.whole.stream(self._at(aside), counter, size, digest=digest)
                else:
                    self._direct.parts.put(self._at(aside), counter)
            name = key if isinstance(key, str) else key()
            if name is None:
                return False
            with answers(check_key(name)):
                if replace and counter.size <= _LARGEST_COPY:
                    obstore.copy(self._bucket, aside, name)
                    return True
                with self._leftovers.noted(name):
                    return self._moved(aside, name, counter.size, replace)
        finally:
            with contextlib.suppress(BaseError, OSError):
                obstore.delete(self._bucket, aside)

    def _moved(self, aside: str, key: str, size: int, replace: bool) -> bool:
        """Copied by an upload to the key; False when the key is taken."""
        if size <= _LARGEST_COPY:
            try:
                obstore.copy(self._bucket, aside, key, overwrite=replace)
            except AlreadyExistsError:
                return False
            return True
        if not replace and self.size(key) is not None:
            return False
        stored = obstore.get(self._bucket, aside).stream(min_chunk_size=PART)
        pump((bytes(each) for each in stored), lambda parts: self._upload(key, parts, max(PART, size // _MOST_PARTS)))
        return True

    def _upload(self, key: str, parts: Iterator[bytes], size: int = PART) -> None:
        obstore.put(self._bucket, key, parts, chunk_size=size, max_concurrency=_PARTS_AT_ONCE)

    def _mark(self, key: str, data: bytes) -> None:
        if self._direct is not None:
            self._direct.whole.put(self._at(key), [data])  # which also shows what this bucket's ETags are
        else:
            obstore.put(self._bucket, key, data)

    def _download(self, key: str, target: Path) -> None:
        with answers(key), target.open("wb") as out:
            for chunk in obstore.get(self._bucket, key).stream(min_chunk_size=PART):
                out.write(chunk)
