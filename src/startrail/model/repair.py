"""Repairs: what a person declares to be done to refused records of a source before they are judged again."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.drift import DriftKind


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which refused records a step is for: by what they break (``rule``, ``path``, ``got``), or by name (``delivery`` and
    ``ordinals``). All that is given must hold."""

    rule: DriftKind | None = None
    """A kind of drift, such as ``wrong_type``."""
    path: str | None = None
    """Where it was found: ``$.quantity``; ``$.items[].price`` stands for every item."""
    got: str | None = None
    """What was found there, as ``startrail quarantine show`` prints it."""
    delivery: str | None = None
    """Id of the delivery."""
    ordinals: tuple[int, ...] = ()
    """Numbers of the records in that delivery."""


class SetValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Put a value in the place of what is there, or where nothing is."""

    path: str
    """The field, as ``$.quantity``."""
    value: object
    """The value, as in JSON."""


class CastValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Write the value in another form. What cannot be written so stays as it is, and is refused again."""

    path: str
    """The field, as ``$.quantity``."""
    to: Literal["text", "number", "integer", "boolean", "date", "timestamp"]
    """What it becomes."""
    rounding: Literal["exact", "down", "up", "half_up"] = "exact"
    """For ``integer``: what happens to a fraction. ``exact``: a number with one stays as it is."""
    pattern: str | None = None
    """For ``date`` and ``timestamp``: how the text is written, as a strptime pattern."""


class RenameField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give a field another name, unless a field of that name is there."""

    path: str
    """The field, as ``$.qty``."""
    to: str
    """Its new name."""


class RemoveField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take a field out of the record."""

    path: str
    """The field, as ``$.coupon``."""


class RepairStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step: exactly one of ``set``, ``cast``, ``rename``, ``remove``, and the records it is for."""

    where: Where
    """Which refused records it is for."""
    set: SetValue | None = None
    """Put a value there."""
    cast: CastValue | None = None
    """Write the value in another form."""
    rename: RenameField | None = None
    """Give the field another name."""
    remove: RemoveField | None = None
    """Take the field out."""
    reason: str | None = None
    """Why this is right, for whoever reads it later."""

    @property
    def action(self) -> SetValue | CastValue | RenameField | RemoveField:
        found = self.set or self.cast or self.rename or self.remove
        assert found is not None, "the reader refuses a step without an action"
        return found

    def __str__(self) -> str:
        match self.action:
            case SetValue(path=path, value=value):
                done = f"set {path} to {msgspec.json.encode(value).decode()}"
            case CastValue(path=path, to=to, rounding=rounding):
                done = f"cast {path} to {to}" + ("" if rounding == "exact" else f", rounding {rounding}")
            case RenameField(path=path, to=to):
                done = f"rename {path} to {to}"
            case RemoveField(path=path):
                done = f"remove {path}"
        where = self.where
        named = [f"{word} {value}" for word in ("rule", "path", "got", "delivery") if (value := getattr(where, word)) is not None]
        if where.ordinals:
            named.append(f"ordinals {', '.join(map(str, where.ordinals))}")
        return f"{done} where {', '.join(named)}"


class Repairs(msgspec.Struct, frozen=True):
    """The repairs of one source, in order. ``digest`` names the file's bytes."""

    source: str
    steps: tuple[RepairStep, ...]
    """Applied one after the other to each refused record, when its delivery is replayed."""
    span: Span
    digest: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes with what the steps do; comments and layout do not count."""
        from startrail.base.ids import fingerprint

        steps = [msgspec.structs.replace(step, reason=None) for step in self.steps]
        return fingerprint(msgspec.json.encode(steps, order="sorted").decode())
