"""What is sent to a bucket: small or large, from memory, from a stream or from the bucket itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from startrail.adapters.store.s3.client import Client
from startrail.adapters.store.s3.copies import Copies
from startrail.adapters.store.s3.leftovers import TEMPORARY
from startrail.adapters.store.s3.parts import Parts
from startrail.adapters.store.s3.sums import Sums
from startrail.adapters.store.s3.whole import Digest as Digest
from startrail.adapters.store.s3.whole import Whole
from startrail.ports.store import Digested


class Direct:
    """Of one store in ``bucket``. ``at`` says how the bucket knows a key."""

    def __init__(self, client: Client, bucket: str, at: Callable[[str], str]) -> None:
        sums = Sums(client, lambda name: at(TEMPORARY + name))
        self.whole = Whole(client, sums)
        self.parts = Parts(client, sums)
        self.copies = Copies(client, bucket)


def digest_of(data: Iterable[bytes]) -> Digest | None:
    """The SHA-256 that whoever hands over a stream computes anyway."""
    return (lambda: data.sha256) if isinstance(data, Digested) else None
