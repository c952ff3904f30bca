"""Which adapter reads landed bytes a second time."""

from __future__ import annotations

from startrail.ports.store import Store
from startrail.ports.witness import Witness


def witness(store: Store) -> Witness:
    """The second reader."""
    from startrail.adapters.witness import PlainWitness

    return PlainWitness(store)
