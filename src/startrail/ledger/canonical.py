"""One text for one value, so that equal values hash equally."""

from __future__ import annotations

from typing import Any

import msgspec


def canonical_json(value: Any) -> str:
    """JSON without white space, keys sorted, of anything msgspec can encode. Floats should not be in it."""
    return msgspec.json.encode(value, order="sorted").decode()
