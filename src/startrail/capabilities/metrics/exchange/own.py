"""Our own declaration inside another format, so that what it cannot hold comes back, unless it was edited there."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.base.ids import fingerprint
from startrail.capabilities.metrics.exchange.declaration import said
from startrail.ledger.canonical import canonical_json
from startrail.model.metric import Metric

VENDOR = "STARTRAIL"


class Own(msgspec.Struct, frozen=True):
    """``seal`` covers the definition in the other format's words: when it differs, that one counts."""

    metric: Metric
    seal: str


def seal(foreign: Any) -> str:
    """A digest of what the other format itself says about a metric."""
    return fingerprint(canonical_json(foreign))


def own_data(metric: Metric, foreign: Any) -> dict[str, Any]:
    """The extension as JSON values."""
    return {"metric": said(metric), "seal": seal(foreign)}


def from_own(data: Any, foreign: Any) -> Metric | None:
    """The declaration that an extension holds; None when it is none, or the definition around it was edited."""
    try:
        found = msgspec.convert(data, Own)
    except msgspec.ValidationError:
        return None
    return found.metric if found.seal == seal(foreign) else None
