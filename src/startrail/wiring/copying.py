"""Copying a source's files to another store than the profile's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.base.text import did_you_mean, printable
from startrail.capabilities.sources.copy import CopyResult, copy
from startrail.flow.events import Emit
from startrail.flow.lease import holding
from startrail.model.profile import Profile, S3Store
from startrail.wiring import Opened
from startrail.wiring.errors import NotATarget, UnknownSource
from startrail.wiring.ports import open_s3

if TYPE_CHECKING:
    from startrail.ports.store import Store


def copy_source(opened: Opened, name: str, to: str, emit: Emit, wait: float) -> tuple[CopyResult, str]:
    """Copy what is new; returns that with the whole address of the target.

    Raises UnknownSource, NotATarget, RunnerBusy, and what copying raises."""
    sources, ports = opened.project.sources, opened.ports
    if name not in sources:
        raise UnknownSource(
            f"there is no source '{printable(name)}'", affects="the whole command", hint=did_you_mean(name, sources)
        )
    target, address = _target(Path(opened.project.root), opened.profile, to)
    with holding(ports.ledger, ports.wall, emit, wait) as lease:
        feed = ports.feed(sources[name])
        try:
            result = copy(
                sources[name], feed, target, address, ledger=ports.ledger, lease=lease, clock=ports.clock, wall=ports.wall,
                retries=opened.profile.limits.retries, emit=emit,
            )  # fmt: skip
        finally:
            feed.close()
    return result, address


def _target(root: Path, profile: Profile, to: str) -> tuple[Store, str]:
    if "://" not in to:
        from startrail.adapters.store.local import LocalStore

        folder = Path(os.path.abspath(to))  # noqa: PTH100 - resolve() would follow a link that the user chose
        return LocalStore(folder), f"{folder.as_uri()}/"
    declared = bucket_of(profile, to)
    prefix = declared.prefix
    return open_s3(root, declared), f"s3://{declared.bucket}/{prefix}/" if prefix else f"s3://{declared.bucket}/"


def bucket_of(profile: Profile, to: str) -> S3Store:
    """The bucket of ``s3://BUCKET/PREFIX``. Raises NotATarget."""
    bucket, _, prefix = to.removeprefix("s3://").partition("/")
    if not to.startswith("s3://") or not bucket:
        raise NotATarget(
            f"'{printable(to)}' is neither s3://BUCKET/PREFIX nor a folder",
            affects="the whole command",
            hint="--to s3://lake/sales",
        )
    return _declared(profile, bucket, prefix.strip("/"))


def _declared(profile: Profile, bucket: str, prefix: str) -> S3Store:
    """With the keys of the profile when it is the profile's own bucket, else with what the environment says."""
    own = profile.store
    if isinstance(own, S3Store) and own.bucket == bucket:
        return S3Store(bucket, prefix, own.endpoint, own.region, own.access_key, own.secret_key)
    said = os.environ.get
    return S3Store(
        bucket,
        prefix,
        said("AWS_ENDPOINT_URL_S3") or said("AWS_ENDPOINT_URL"),
        said("AWS_REGION") or said("AWS_DEFAULT_REGION") or "us-east-1",
    )
