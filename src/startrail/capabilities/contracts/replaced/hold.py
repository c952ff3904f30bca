"""``on_replace: hold``: a new version of a file waits for a person while rows of an older one are in the table. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from startrail.model.delivery import Delivery
from startrail.model.listing import Superseded
from startrail.model.source import Source
from startrail.model.step import StepRecord
from startrail.ports.ledger import Ledger

WITHHELD = "withheld"
"""Note of a load step that was held for this reason alone: the name."""
REASON = "it came before with other bytes, whose rows are in the table; say on_replace: replace or add"


def withheld_of(source: Source, pending: Sequence[tuple[Delivery, tuple[StepRecord, ...]]], ledger: Ledger) -> dict[str, str]:
    """Ids of the pending deliveries of a source that wait, and why; asks the ledger only where that can be."""
    if not pending or source.on_replace != "hold" or not source.keeps_names:
        return {}
    return withheld(pending, ledger.superseded(source.name))


def withheld(pending: Sequence[tuple[Delivery, tuple[StepRecord, ...]]], superseded: Sequence[Superseded]) -> dict[str, str]:
    """``pending`` in order of landing. Of several versions that wait, the first is loaded."""
    names = {each.name for each in superseded if each.loaded}
    old = {each.delivery for each in superseded}
    found: dict[str, str] = {}
    for delivery, records in pending:
        if delivery.name in names:
            found[delivery.id] = REASON
        elif delivery.id in old and all(record.state != "held" for record in records):
            names.add(delivery.name)
    return found
