"""How data departs from its contract, in words that declarations and reports share."""

from __future__ import annotations

from typing import Literal

DriftKind = Literal[
    "new_field",
    "missing_required",
    "null_in_required",
    "wrong_type",
    "inexact",
    "wrong_format",
    "unknown_value",
    "out_of_range",
    "wrong_length",
    "pattern_mismatch",
    "duplicate_key",
    "malformed",
]
"""How data departs from its contract. More kinds may join; none is ever dropped silently."""
