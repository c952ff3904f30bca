"""Drift: how data departs from its contract, and what a source wants done about it.

A *kind* names the departure, a *verb* the reaction. There is no verb that drops data.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.model.quantities import Share

DriftKind = Literal[
    "new_field",
    "undeclared_field",
    "missing_optional",
    "defaulted",
    "missing_required",
    "renamed",
    "case_change",
    "null_in_required",
    "widened",
    "wrong_type",
    "inexact",
    "wrong_format",
    "date_order",
    "decimal_comma",
    "unknown_value",
    "new_value",
    "out_of_range",
    "wrong_length",
    "pattern_mismatch",
    "duplicate_key",
    "malformed",
    "unit_shift",
    "column_order",
    "other_delimiter",
    "other_encoding",
    "other_quote",
    "truncated",
    "empty",
    "far_smaller",
    "unreadable",
]
"""How data departs from its contract. More kinds may join; none is ever dropped silently."""

DriftVerb = Literal["accept", "keep", "quarantine", "hold", "stop"]
"""accept: load it as it is. keep: load what is declared, the rest as text in ``_extra``. quarantine: the row aside.
hold: the delivery aside, the last good data stays served. stop: fail the step, load nothing."""

DriftPreset = Literal["keep-going", "strict", "mirror", "observe"]


class Reaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do about one kind of drift."""

    do: DriftVerb
    """The verb."""
    hold_above: Share | None = None
    """A share (``5%``): when more rows than this show the drift, the whole delivery is held."""


class DriftPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens when data departs from its contract. A kind that is left out reacts as the preset says."""

    preset: DriftPreset = "keep-going"
    """``keep-going``: load what can be loaded, hold what looks wrong as a whole. ``strict``: hold whatever departs.
    ``mirror``: take the upstream as it is. ``observe``: tell, and hold only what cannot be read."""
    new_field: DriftVerb | Reaction | None = None
    """A field that the contract does not declare."""
    undeclared_field: DriftVerb | Reaction | None = None
    """A field that a closed contract or object does not declare."""
    missing_optional: DriftVerb | Reaction | None = None
    """An optional field that no row of the delivery has."""
    defaulted: DriftVerb | Reaction | None = None
    """A missing field for which the contract declares a default."""
    missing_required: DriftVerb | Reaction | None = None
    """A required field that no row of the delivery has."""
    renamed: DriftVerb | Reaction | None = None
    """A field is missing and a new one has a like name."""
    case_change: DriftVerb | Reaction | None = None
    """A field's name in other letter case; matched when only one can be meant."""
    null_in_required: DriftVerb | Reaction | None = None
    """Null, or nothing, where a value is required."""
    widened: DriftVerb | Reaction | None = None
    """A file's column has a wider type than declared; values that fit are loaded."""
    wrong_type: DriftVerb | Reaction | None = None
    """A value that is not of the declared type."""
    inexact: DriftVerb | Reaction | None = None
    """A value that the declared type cannot hold exactly."""
    wrong_format: DriftVerb | Reaction | None = None
    """Text that is not written as declared, and dates and times that do not exist."""
    date_order: DriftVerb | Reaction | None = None
    """A date that fits only with day and month the other way round."""
    decimal_comma: DriftVerb | Reaction | None = None
    """Numbers written with the other decimal separator."""
    unknown_value: DriftVerb | Reaction | None = None
    """A value that the enumeration does not name."""
    new_value: DriftVerb | Reaction | None = None
    """A value that an open enumeration does not name."""
    out_of_range: DriftVerb | Reaction | None = None
    """A value below the minimum or above the maximum."""
    wrong_length: DriftVerb | Reaction | None = None
    """A text or list that is too short or too long."""
    pattern_mismatch: DriftVerb | Reaction | None = None
    """Text that the declared pattern does not match."""
    duplicate_key: DriftVerb | Reaction | None = None
    """A primary key or unique value that an earlier row has, or a key twice in one object."""
    malformed: DriftVerb | Reaction | None = None
    """A record that cannot be read at all."""
    unit_shift: DriftVerb | Reaction | None = None
    """A column's median is about 10, 60, 100, 1000, 1024, 3600 … times what this source's deliveries had."""
    column_order: DriftVerb | Reaction | None = None
    """Columns of a CSV file without header seem to have changed places."""
    other_delimiter: DriftVerb | Reaction | None = None
    """A CSV file with another delimiter than declared."""
    other_encoding: DriftVerb | Reaction | None = None
    """A CSV file in another encoding than declared, or JSON that is not UTF-8."""
    other_quote: DriftVerb | Reaction | None = None
    """A CSV file with another quote character than declared."""
    truncated: DriftVerb | Reaction | None = None
    """The file ends too early."""
    empty: DriftVerb | Reaction | None = None
    """A delivery without rows, where earlier ones had some."""
    far_smaller: DriftVerb | Reaction | None = None
    """Far fewer rows than this source's deliveries have."""
    unreadable: DriftVerb | Reaction | None = None
    """The delivery cannot be read for another reason."""


_WHOLE: tuple[DriftVerb, ...] = ("hold", "stop")
_SUSPECT: tuple[DriftVerb, ...] = ("accept", "hold", "stop")
_RECORD: tuple[DriftVerb, ...] = ("quarantine", "hold", "stop")
_VALUE: tuple[DriftVerb, ...] = ("keep", *_RECORD)
_LIMIT: tuple[DriftVerb, ...] = ("accept", "keep", *_RECORD)

VERBS: dict[DriftKind, tuple[DriftVerb, ...]] = {
    "new_field": _LIMIT,
    "undeclared_field": _LIMIT,
    "missing_optional": _SUSPECT,
    "defaulted": _SUSPECT,
    "missing_required": _WHOLE,
    "renamed": _SUSPECT,
    "case_change": _SUSPECT,
    "null_in_required": _RECORD,
    "widened": _SUSPECT,
    "wrong_type": _VALUE,
    "inexact": _VALUE,
    "wrong_format": _VALUE,
    "date_order": _VALUE,
    "decimal_comma": _SUSPECT,
    "unknown_value": _LIMIT,
    "new_value": _LIMIT,
    "out_of_range": _LIMIT,
    "wrong_length": _LIMIT,
    "pattern_mismatch": _LIMIT,
    "duplicate_key": _RECORD,
    "malformed": _RECORD,
    "unit_shift": _SUSPECT,
    "column_order": _SUSPECT,
    "other_delimiter": _WHOLE,
    "other_encoding": _WHOLE,
    "other_quote": _WHOLE,
    "truncated": _WHOLE,
    "empty": _SUSPECT,
    "far_smaller": _SUSPECT,
    "unreadable": _WHOLE,
}
"""What can be done about each kind: a value of the wrong type cannot be accepted, a file that is cut off not loaded."""


_ALL: tuple[str, ...] = ("csv", "ndjson", "json", "parquet", "avro")
_JSON = ("ndjson", "json")

OCCURS: dict[DriftKind, tuple[str, ...]] = {
    **dict.fromkeys(VERBS, _ALL),
    "widened": ("parquet", "avro"),
    "column_order": ("csv",),
    "other_delimiter": ("csv",),
    "other_encoding": ("csv", *_JSON),
    "other_quote": ("csv",),
}
"""The formats in which a kind can be seen. What has no text has no delimiter; what has types can have wider ones."""


class Finding(msgspec.Struct, frozen=True):
    """One kind of drift at one path of a delivery, and the reaction. ``share`` of the delivery's rows, 0 to 1."""

    kind: DriftKind
    path: str
    rows: int
    share: float
    verb: DriftVerb
    sample: str = ""
