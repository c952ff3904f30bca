"""A bucket of any S3 API, opened for feed, store and report alike."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, Protocol

from obstore.store import S3Store as Bucket

from startrail.adapters.s3.fence import fenced

_CONNECT = timedelta(seconds=5)
_RETRYING = timedelta(minutes=3)


class Named(Protocol):
    """Where a declaration says that a bucket is."""

    @property
    def bucket(self) -> str: ...

    @property
    def endpoint(self) -> str | None: ...

    @property
    def region(self) -> str: ...


def open_bucket(
    declared: Named,
    *,
    access_key: str | None,
    secret_key: str | None,
    timeout: timedelta,
    longest: timedelta,
    retries: int,
    **more: Any,
) -> Bucket:
    """``timeout``: how long nothing may come. ``longest``: how long one answer may take while bytes come. Without keys the
    library finds the environment's own. It leads nowhere else: see :mod:`startrail.adapters.s3.fence`. Raises what the library
    raises."""
    has_keys = access_key is not None or "AWS_ACCESS_KEY_ID" in os.environ
    given = {"access_key_id": access_key, "secret_access_key": secret_key, "endpoint": declared.endpoint}
    return Bucket(
        declared.bucket,
        region=declared.region,
        client_options={
            "allow_http": (declared.endpoint or "").startswith("http://"),
            "connect_timeout": min(timeout, _CONNECT),
            "read_timeout": timeout,
            "timeout": longest,
            **fenced(declared.endpoint, has_keys=has_keys),
        },
        retry_config={"max_retries": retries, "retry_timeout": max(timeout, _RETRYING)},
        **{name: value for name, value in given.items() if value is not None},
        **more,
    )
