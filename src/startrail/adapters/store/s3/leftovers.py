"""What killed processes leave in a bucket: objects that were on their way to their key, and uploads that were never finished.

A bucket keeps the parts of such an upload, and charges for them, until it is aborted: by two requests of the S3 API,
ListMultipartUploads and AbortMultipartUpload.
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

from startrail.adapters.s3.answer import Unanswered
from startrail.adapters.s3.api import Account, ask
from startrail.adapters.s3.wire import Wire
from startrail.adapters.s3.xml import element
from startrail.adapters.store.s3.client import Client
from startrail.base.errors import ResourceError

TEMPORARY = ".scratch/"
"""Where objects are until they are whole."""
_NOTES = TEMPORARY + "uploads/"
_UPLOAD = re.compile(r"<Upload>.*?</Upload>", re.DOTALL)
_LEFT_BEHIND = timedelta(days=1)


class Leftovers:
    """Of one store. ``at`` says how the bucket knows a key, ``write`` puts a small object."""

    def __init__(self, client: Client, account: Account, at: Callable[[str], str], write: Callable[[str, bytes], object]) -> None:
        self._client, self._account, self._at, self._write = client, account, at, write
        self._sweeping = threading.Lock()
        self._swept = False

    def sweep(self) -> None:
        """Once, before anything is uploaded aside: remove what killed processes left more than a day ago."""
        with self._sweeping:
            if self._swept:
                return
            self._swept = True
            abort_leftovers(self._account, self._at(TEMPORARY))
            with contextlib.suppress(ResourceError):
                marker = self._at(TEMPORARY + secrets.token_hex(12))  # the server's clock decides, not this machine's
                self._write(marker, b"?")
                found = list(self._client.listed(self._at(TEMPORARY)))
                now = max((each.modified for each in found), default=None)
                for each in found:
                    if each.key == marker or (now is not None and self._is_old(each.key, now - each.modified)):
                        self._remove(each.key)

    @contextmanager
    def noted(self, key: str) -> Iterator[None]:
        """For an upload right to its key: should nobody be left to abort it, a later sweep knows where it is."""
        note = self._at(_NOTES + secrets.token_hex(12))
        self._write(note, key.encode())
        yield
        with contextlib.suppress(ResourceError):
            self._client.send("DELETE", note)

    def _is_old(self, place: str, age: timedelta) -> bool:
        """A note outlives by far the upload it tells of, which was begun after it."""
        return age > (2 * _LEFT_BEHIND if place.startswith(self._at(_NOTES)) else _LEFT_BEHIND)

    def _remove(self, place: str) -> None:
        if place.startswith(self._at(_NOTES)):
            key = self._client.send("GET", place).data.decode()
            abort_leftovers(self._account, self._at(key), exactly=True)
        self._client.send("DELETE", place)


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
    except (Unanswered, ValueError, TypeError):
        return 0


def unfinished(answer: str) -> list[Unfinished]:
    """What an answer to ListMultipartUploads names."""
    found = []
    for upload in _UPLOAD.findall(answer):
        key, id, begun = (element(upload, name) for name in ("Key", "UploadId", "Initiated"))
        found.append(Unfinished(key, id, datetime.fromisoformat(begun)))
    return found
