"""Archives have no rows: those that were not unpacked are held, with the reason."""

from __future__ import annotations

from startrail.base.text import printable
from startrail.flow.refusals import standing_refusal
from startrail.model.archive import ARCHIVES
from startrail.model.delivery import Delivery
from startrail.model.source import Source
from startrail.ports.archive import ArchiveUnreadable
from startrail.ports.ledger import Ledger


def packed_away(delivery: Delivery, source: Source, ledger: Ledger) -> str | None:
    """Why the delivery is held, if it is an archive."""
    if delivery.media not in ARCHIVES:
        return None
    shown, code = printable(delivery.name, 80), ArchiveUnreadable.code
    if delivery.parent is not None:
        return f"{code} '{shown}' is an archive within an archive, which is not opened"
    if source.archive is None:
        return f"{code} '{shown}' is an archive; to have it unpacked, say `archive: {{members: \"*.csv\"}}` in the source"
    refused = standing_refusal(delivery, source, ledger)
    return None if refused is None else f"{refused.code} {refused.reason}"


def is_waiting(delivery: Delivery, source: Source, ledger: Ledger) -> bool:
    """An archive that landing will still unpack."""
    return delivery.media in ARCHIVES and packed_away(delivery, source, ledger) is None
