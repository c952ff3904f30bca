"""What is sent to a bucket without obstore, which neither compares what the bucket has nor counts memory over uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from startrail.adapters.store.s3.client import Client
from startrail.adapters.store.s3.leftovers import TEMPORARY
from startrail.adapters.store.s3.parts import Parts
from startrail.adapters.store.s3.sums import Sums
from startrail.adapters.store.s3.whole import Digest as Digest
from startrail.adapters.store.s3.whole import Whole
from startrail.ports.store import Digested


class Direct:
    """Of one store. ``at`` says how the bucket knows a key; ``has``: whether there is such an object."""

    def __init__(self, client: Client, at: Callable[[str], str]) -> None:
        sums = Sums(client, lambda name: at(TEMPORARY + name))
        self.has = client.found
        self.whole = Whole(client, sums)
        self.parts = Parts(client, sums)


def digest_of(data: Iterable[bytes]) -> Digest | None:
    """The SHA-256 that whoever hands over a stream computes anyway."""
    return (lambda: data.sha256) if isinstance(data, Digested) else None
