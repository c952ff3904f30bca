"""Delivery into a bucket of any S3 API: what is put there becomes visible whole, in one stroke."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError

from startrail.adapters.report.errors import (
    DestinationClosed,
    DestinationFailed,
    DestinationFull,
    DestinationUnreachable,
    NoSuchDestination,
)
from startrail.adapters.report.media import media_type
from startrail.adapters.s3.answer import answer_of
from startrail.adapters.s3.bucket import open_bucket
from startrail.base.errors import ReportError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model.destination import S3Destination

_PART = 8 << 20
_LONGEST = timedelta(hours=1)
"""For a part, however slow."""


class S3Folder:
    """``access_key`` and ``secret_key`` are the resolved secrets; without them obstore finds the environment's own."""

    def __init__(
        self, declared: S3Destination, *, access_key: str | None = None, secret_key: str | None = None, retries: int = 3
    ) -> None:
        self._declared = declared
        self._prefix = declared.prefix.strip("/")
        with self._errors(declared.bucket):
            self._bucket = open_bucket(
                declared,
                access_key=access_key,
                secret_key=secret_key,
                timeout=parse_duration(declared.timeout),
                longest=_LONGEST,
                retries=retries,
            )

    def deliver(self, name: str, write: Callable[[Path], object]) -> str:
        """As the port says."""
        key = f"{self._prefix}/{name}" if self._prefix else name
        with tempfile.TemporaryDirectory(prefix="startrail-report-") as folder:
            path = Path(folder) / "report"
            write(path)
            with self._errors(key):
                attributes = {"Content-Type": media_type(name)}
                # pyrefly: ignore  (attributes are open-ended)
                obstore.put(self._bucket, key, path, attributes=attributes, chunk_size=_PART, max_concurrency=4)
        return f"s3://{self._declared.bucket}/{key}"

    @contextlib.contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise self._told(error, printable(key)) from error

    def _told(self, error: Exception, key: str) -> ReportError:
        """The library's error as one of ours."""
        bucket, answer = printable(self._declared.bucket), answer_of(error)
        match answer.meaning:
            case "no bucket":
                return NoSuchDestination(f"there is no bucket '{bucket}' to deliver into", hint="create it, or correct `bucket`")
            case "no keys":
                hint = "give the destination `access_key` and `secret_key` as env:NAME"
                return DestinationClosed(f"no keys for the bucket '{bucket}' were found", hint=hint)
            case "refused":
                hint = "check the secrets of `access_key` and `secret_key`; delivering takes s3:PutObject"
                return DestinationClosed(f"the bucket '{bucket}' refuses '{key}': {answer.told}", hint=hint)
            case "clock":
                return DestinationClosed(
                    f"the bucket '{bucket}' refuses a request of this machine's time: {answer.told}", hint="set the clock right"
                )
            case "full":
                return DestinationFull(f"the bucket '{bucket}' has no room for '{key}': {answer.told}", hint="free some space")
            case "busy":
                return DestinationUnreachable(
                    f"the bucket '{bucket}' did not answer for '{key}': {answer.told}", hint="check `endpoint` and the network"
                )
        return DestinationFailed(
            f"the bucket '{bucket}' refused '{key}': {answer.told}", hint="check `bucket`, `region` and `endpoint`"
        )
