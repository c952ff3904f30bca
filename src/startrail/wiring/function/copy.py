"""Copying in the cloud, without a database: what was copied is remembered beside the copies."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from startrail.adapters.ledger.bucket import BucketMemory
from startrail.base.time import from_text
from startrail.capabilities.sources.copy import copy
from startrail.model.run import Lease
from startrail.wiring.function.store import open_target

if TYPE_CHECKING:
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed
    from startrail.wiring.function.handler import Function

MEMORY = ".startrail/"
"""Beside the copies."""
_FOREVER: datetime = from_text("9999-12-31T00:00:00.000000Z")


def work(function: Function, feed: Feed, clock: Clock, _wait: float) -> tuple[int, int]:
    """Copy what is new; returns how many files, and their bytes.

    Two calls at once harm nothing: a name is taken by one of them, and the other finds the same bytes there."""
    bundle, source = function.bundle, function.bundle.source
    target, prefix = open_target(function), bundle.store.prefix.strip("/")
    address = f"s3://{bundle.store.bucket}/{prefix}/" if prefix else f"s3://{bundle.store.bucket}/"
    memory = BucketMemory(target, f"{MEMORY}{source.name}/")
    try:
        done = copy(
            source, feed, target, address, ledger=memory, lease=Lease("", "", 0, _FOREVER), clock=clock, wall=clock,
            retries=bundle.retries, emit=function.show,
        )  # fmt: skip
    finally:
        memory.close()
    return done.files, done.bytes
