"""What killed processes leave in a bucket: objects that were on their way to their key, and uploads that were never finished.

A bucket keeps the parts of such an upload, and charges for them, until it is aborted. obstore has no call for them, so these
are two requests of the S3 API, ListMultipartUploads and AbortMultipartUpload.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from startrail.adapters.s3.api import Account, ask, element
from startrail.adapters.s3.wire import Wire, WireError
from startrail.base.errors import ResourceError

TEMPORARY = ".scratch/"
"""Where objects are until they are whole."""
_NOTES = TEMPORARY + "uploads/"
_UPLOAD = re.compile(r"<Upload>.*?</Upload>", re.DOTALL)
_LEFT_BEHIND = timedelta(days=1)


class Leftovers:
    """Of one store. ``at`` says how the bucket knows a key, ``write`` puts a small object; without ``account`` only objects are
    removed."""

    def __init__(
        self,
        bucket: Callable[[], Bucket],
        account: Account | None,
        at: Callable[[str], str],
        write: Callable[[str, bytes], object],
    ) -> None:
        self._bucket, self._account, self._at, self._write = bucket, account, at, write
        self._sweeping = threading.Lock()
        self._swept = False

    def sweep(self) -> None:
        """Once, before anything is uploaded aside: remove what killed processes left more than a day ago."""
        with self._sweeping:
            if self._swept:
                return
            self._swept = True
            if self._account is not None:
                abort_leftovers(self._account, self._at(TEMPORARY))
            with contextlib.suppress(BaseError, OSError, ResourceError):
                marker = TEMPORARY + secrets.token_hex(12)  # the server's clock decides, not this machine's
                self._write(marker, b"?")
                found = [each for batch in obstore.list(self._bucket(), prefix=TEMPORARY) for each in batch]
                now = max((each["last_modified"] for each in found), default=None)
                for each in found:
                    if each["path"] == marker or (now is not None and self._is_old(each["path"], now - each["last_modified"])):
                        self._remove(each["path"])

    @contextmanager
    def noted(self, key: str) -> Iterator[None]:
        """For an upload right to its key: should nobody be left to abort it, a later sweep knows where it is."""
        note = _NOTES + secrets.token_hex(12)
        self._write(note, key.encode())
        yield
        with contextlib.suppress(BaseError, OSError):
            obstore.delete(self._bucket(), note)

    @staticmethod
    def _is_old(path: str, age: timedelta) -> bool:
        """A note outlives by far the upload it tells of, which was begun after it."""
        return age > (2 * _LEFT_BEHIND if path.startswith(_NOTES) else _LEFT_BEHIND)

    def _remove(self, path: str) -> None:
        if self._account is not None and path.startswith(_NOTES):
            key = bytes(obstore.get(self._bucket(), path).bytes()).decode()
            abort_leftovers(self._account, self._at(key), exactly=True)
        obstore.delete(self._bucket(), path)


class Unfinished(msgspec.Struct, frozen=True):
    """One upload that was begun."""

    key: str
    id: str
    begun: datetime


def abort_leftovers(account: Account, prefix: str, *, exactly: bool = False) -> int:
    """Abort uploads to keys with this prefix, or to exactly this key, that were begun more than a day ago by the server's clock.

    Returns how many. Housekeeping: what the server refuses or does not know is left to it.
    """
    try:
        wire = Wire(account.endpoint, timeout=10.0)
        answer = ask(wire, account, "GET", "", {"prefix": prefix, "uploads": ""})
        if answer.status != 200 or "Date" not in answer.headers:
            return 0
        now = parsedate_to_datetime(answer.headers["Date"])
        left = [each for each in unfinished(answer.data.decode()) if now - each.begun > _LEFT_BEHIND]
        mine = [each for each in left if (each.key == prefix if exactly else each.key.startswith(prefix))]
        return sum(ask(wire, account, "DELETE", each.key, {"uploadId": each.id}).status == 204 for each in mine)
    except (*WireError, ValueError, TypeError):
        return 0


def unfinished(answer: str) -> list[Unfinished]:
    """What an answer to ListMultipartUploads names."""
    found = []
    for upload in _UPLOAD.findall(answer):
        key, id, begun = (element(upload, name) for name in ("Key", "UploadId", "Initiated"))
        found.append(Unfinished(key, id, datetime.fromisoformat(begun)))
    return found
