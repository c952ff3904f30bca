"""Delivery into a bucket of any S3 API: what is put there becomes visible whole, in one stroke."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from startrail.adapters.report.errors import (
    DestinationClosed,
    DestinationFailed,
    DestinationFull,
    DestinationUnreachable,
    NoSuchDestination,
)
from startrail.adapters.report.media import media_type
from startrail.adapters.s3.answer import Answer, Unanswered
from startrail.adapters.s3.api import account_of
from startrail.adapters.s3.bucket import Bucket
from startrail.adapters.s3.upload import upload
from startrail.base.errors import ReportError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model.destination import S3Destination


class S3Folder:
    """``access_key`` and ``secret_key`` are the resolved secrets; without them the environment's own are found."""

    def __init__(
        self, declared: S3Destination, *, access_key: str | None = None, secret_key: str | None = None, retries: int = 3
    ) -> None:
        self._declared = declared
        self._prefix = declared.prefix.strip("/")
        account, timeout = account_of(declared, access_key, secret_key), parse_duration(declared.timeout).total_seconds()
        self._bucket = Bucket(account, timeout=timeout, retries=retries)

    def deliver(self, name: str, write: Callable[[Path], object]) -> str:
        """As the port says."""
        key = f"{self._prefix}/{name}" if self._prefix else name
        with tempfile.TemporaryDirectory(prefix="startrail-report-") as folder:
            path = Path(folder) / "report"
            write(path)
            with self._errors(key):
                upload(self._bucket, key, path, {"content-type": media_type(name)})
        return f"s3://{self._declared.bucket}/{key}"

    @contextlib.contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except Unanswered as error:
            raise self._told(error.answer, printable(key)) from error

    def _told(self, answer: Answer, key: str) -> ReportError:
        bucket = printable(self._declared.bucket)
        match answer.meaning:
            case "no bucket" | "no object":
                return NoSuchDestination(f"there is no bucket '{bucket}' to deliver into", hint="create it, or correct `bucket`")
            case "no keys":
                hint = "give the destination `access_key` and `secret_key` as env:NAME, or this machine a role"
                return DestinationClosed(f"no keys for the bucket '{bucket}' were found: {answer.told}", hint=hint)
            case "refused":
                hint = "check `access_key` and `secret_key`, or the role's policy: delivering takes s3:PutObject"
                return DestinationClosed(f"the bucket '{bucket}' refuses '{key}': {answer.told}", hint=hint)
            case "clock":
                hint = "set the clock of this machine right, as with NTP"
                return DestinationClosed(
                    f"the bucket '{bucket}' refuses a request of this machine's time: {answer.told}", hint=hint
                )
            case "full":
                hint = "free space or raise the quota, then run again"
                return DestinationFull(f"the bucket '{bucket}' has no room for '{key}': {answer.told}", hint=hint)
            case "busy":
                hint = "run again; check `endpoint`, the network and the proxy, if there is one, if it stays"
                return DestinationUnreachable(f"the bucket '{bucket}' did not answer for '{key}': {answer.told}", hint=hint)
            case "proxy":
                hint = "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the host of `endpoint` in NO_PROXY"
                return DestinationFailed(f"the bucket '{bucket}' cannot be given '{key}': {answer.told}", hint=hint)
            case "elsewhere":
                hint = "give the destination the `region` and `endpoint` that the bucket really has; redirects are not followed"
                return DestinationFailed(f"the bucket '{bucket}' sends us elsewhere with '{key}': {answer.told}", hint=hint)
        hint = "check `bucket`, `region` and `endpoint` of the destination; see the log of the S3 API if they are right"
        return DestinationFailed(f"the bucket '{bucket}' refused '{key}': {answer.told}", hint=hint)
