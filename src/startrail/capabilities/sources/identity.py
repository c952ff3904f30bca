"""What makes two deliveries of a source one."""

from __future__ import annotations

from startrail.base.ids import fingerprint
from startrail.model.named import named
from startrail.model.source import Source
from startrail.ports.ledger import Ledger


def delivery_id(source: Source, sha256: str, name: str, ledger: Ledger) -> str:
    """The same bytes are one delivery, unless their names say different things: then their rows are different rows.

    A file that landed when names said nothing yet stays the delivery that it is.
    """
    plain = fingerprint(source.name, sha256)
    said = named(source, name).fields
    if not said:
        return plain
    known = ledger.delivery(plain)
    return plain if known is not None and known.name == name else fingerprint(plain, *said.values())
