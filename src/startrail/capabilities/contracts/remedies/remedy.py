"""Remedies: for each rule that refused rows break, at most one change that would let them in, or why there is none.

A change of the contract where the values show what the producer means now; a repair where the contract is right and the
values can be written as it wants them. Nothing is guessed: a date that could be read in two ways has no remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.exact import JsonNumber, Refused, bound, scalar
from startrail.capabilities.contracts.exchange.errors import NothingToPromise
from startrail.capabilities.contracts.exchange.infer import infer
from startrail.capabilities.contracts.judge import item_field, struct_fields
from startrail.capabilities.contracts.proposal import add_field
from startrail.capabilities.contracts.quarantine.repair import KEEP, cast_value
from startrail.capabilities.contracts.records import dump
from startrail.capabilities.contracts.remedies.evidence import Evidence
from startrail.capabilities.contracts.remedies.writings import only_pattern, shape_of
from startrail.model.contract import Contract, Field
from startrail.model.repair import CastValue, RepairStep, Where
from startrail.model.types import Decimal, ListOf, MapOf, StructOf
from startrail.ports.exchange import Batch
from startrail.project import odcs_edit as edit

MOST_WORDS = 20
"""New values of an enumeration up to which it is still one."""


@dataclass(frozen=True)
class Remedy:
    """What would let the rows of one evidence in. Exactly one of ``change`` (of the contract's text), ``step`` (a repair)
    and ``none`` (the reason why there is neither)."""

    evidence: Evidence
    what: str = ""
    change: Callable[[str], str] | None = None
    step: RepairStep | None = None
    none: str = ""


def remedies(contract: Contract, found: tuple[Evidence, ...]) -> tuple[Remedy, ...]:
    """One for each evidence, in its order; what an alias settles is not asked for twice."""
    renamed = {each.path for each in found if each.rule == "renamed"}
    settled = {each.sample for each in found if each.rule == "renamed"}
    return tuple(
        remedy(contract, each)
        for each in found
        if not (each.rule in ("missing_required", "missing_optional") and each.path in renamed)
        and not (each.rule == "new_field" and each.path.removeprefix("$.") in settled)
    )


def remedy(contract: Contract, evidence: Evidence) -> Remedy:
    """The change that the evidence asks for."""
    if evidence.rule == "new_field":
        return _declared(evidence)
    field = field_at(contract, evidence.path)
    act = _ACTS.get(evidence.rule)
    if act is None or field is None:
        return Remedy(evidence, none=_REASONS.get(evidence.rule, "the source's drift policy decides what becomes of it"))
    if evidence.more:
        return Remedy(evidence, none="its values are too many to say what they have in common")
    if evidence.rule in ("null_in_required", "missing_required") and evidence.path.removeprefix("$.") in contract.primary_key:
        return Remedy(evidence, none="it is part of the primary key, which is never null")
    return act(field, evidence)


def field_at(contract: Contract, path: str) -> Field | None:
    """The declared field at a path as violations name it."""
    fields, found = contract.fields, None
    for part in path.removeprefix("$").replace("[]", ".[]").split(".")[1:]:
        if found is not None:
            kind = found.type
            if isinstance(kind, MapOf) or (part == "[]" and isinstance(kind, ListOf)):
                found = item_field(found)
                continue
            fields = struct_fields(found) if isinstance(kind, StructOf) else ()
        found = next((field for field in fields if field.name == part), None)
        if found is None:
            return None
    return found


# -- the contract is to say something else ---------------------------------------------------------------------------
def _declared(evidence: Evidence) -> Remedy:
    """A field that the contract does not know and may not have: declared, of the type its values say."""
    within, _, name = evidence.path.rpartition(".")
    texts = [value if type(value) is str else None for value in evidence.values]
    if evidence.textual and all(text is not None for text in texts):
        batch = Batch(names=(name,), columns=(tuple(text or "" for text in texts),))
    else:
        batch = Batch(raws=tuple(dump({name: value}).encode() for value in evidence.values))
    try:
        (field,) = infer([batch], "sample", "the refused rows").contract.fields
    except (NothingToPromise, ValueError, UnicodeEncodeError):
        return Remedy(evidence, none="its values do not say of which type it is")
    optional = _optional(field)
    what = f"declare {evidence.path} as {optional.type}"
    return Remedy(evidence, what, lambda text: add_field(text, optional, within))


def _optional(field: Field) -> Field:
    return msgspec.structs.replace(field, required=False)


def _word(field: Field, evidence: Evidence) -> Remedy:
    words = [str.__str__(value) if isinstance(value, str) else dump(value) for value in evidence.values]
    if not words or len(words) > MOST_WORDS:
        return Remedy(evidence, none=f"{len(words)} new values are no enumeration any more; declare it without 'enum'")
    quoted = [isinstance(value, str) and not isinstance(value, JsonNumber) for value in evidence.values]
    texts = str(field.type) in ("string", "date", "time", "timestamp", "timestamptz", "uuid", "binary")

    def change(text: str) -> str:
        for word, is_text in zip(words, quoted, strict=True):
            text = edit.add_enum_value(text, evidence.path, word if is_text and texts else edit.Verbatim(word))
        return text

    listed = ", ".join(printable(word, 40) for word in words)
    return Remedy(evidence, f"add to the values of {evidence.path}: {listed}", change)


def _length(field: Field, evidence: Evidence) -> Remedy:
    lengths = [len(value) for value in _typed(field, evidence) if isinstance(value, (str, bytes))]
    bounds: dict[str, edit.Yaml] = {}
    if lengths and field.min_length is not None and min(lengths) < field.min_length:
        bounds["minLength"] = min(lengths)
    if lengths and field.max_length is not None and max(lengths) > field.max_length:
        bounds["maxLength"] = max(lengths)
    return _bounds(evidence, bounds, ())


def _range(field: Field, evidence: Evidence) -> Remedy:
    values = _typed(field, evidence)
    bounds: dict[str, edit.Yaml] = {}
    exclusive = []
    if values and field.minimum is not None and min(values) < bound(field.minimum, field):
        bounds["minimum"] = _written(min(values), field)
        exclusive.append("exclusiveMinimum")
    if values and field.maximum is not None and max(values) > bound(field.maximum, field):
        bounds["maximum"] = _written(max(values), field)
        exclusive.append("exclusiveMaximum")
    return _bounds(evidence, bounds, tuple(exclusive))


def _bounds(evidence: Evidence, bounds: dict[str, edit.Yaml], without: tuple[str, ...]) -> Remedy:
    if not bounds:
        return Remedy(evidence, none="no bound can be told from its values")

    def change(text: str) -> str:
        for name, value in bounds.items():
            text = edit.set_option(text, evidence.path, name, value)
        for name in without:
            text = edit.remove_option(text, evidence.path, name)
        return text

    told = ", ".join(f"{name} {value.text if isinstance(value, edit.Verbatim) else value}" for name, value in bounds.items())
    return Remedy(evidence, f"{evidence.path}: {told}", change)


def _written(value: Any, field: Field) -> edit.Yaml:
    if isinstance(field.type, Decimal) or str(field.type) in ("int", "long", "float", "double"):
        return edit.Verbatim(format(value, "f") if isinstance(field.type, Decimal) else repr(value))
    text: str = value.isoformat()
    return text


def _may_be_null(_: Field, evidence: Evidence) -> Remedy:
    return Remedy(evidence, f"{evidence.path} need not be there", lambda text: edit.make_optional(text, evidence.path))


def _pattern(field: Field, evidence: Evidence) -> Remedy:
    texts = [value for value in evidence.values if isinstance(value, str)]
    shape = shape_of(texts)
    if shape is None or field.pattern is None:
        return Remedy(evidence, none="its values have no form in common")
    wider = f"(?:{field.pattern})|(?:^{shape}$)"
    return Remedy(
        evidence, f"{evidence.path} may also be written as {shape}",
        lambda text: edit.set_option(text, evidence.path, "pattern", wider),
    )  # fmt: skip


def _alias(_: Field, evidence: Evidence) -> Remedy:
    what = f"{evidence.path} may also be called {printable(evidence.sample, 60)}"
    return Remedy(evidence, what, lambda text: edit.add_alias(text, evidence.path, evidence.sample))


# -- the contract is right, or the values show another writing ---------------------------------------------------------
def _writing(field: Field, evidence: Evidence) -> Remedy:
    """All rows are written otherwise: the contract says so from now on. Only some are: they are repaired."""
    if str(field.type) not in ("date", "time", "timestamp", "timestamptz"):
        return _cast(field, evidence)
    pattern = only_pattern([value for value in evidence.values if isinstance(value, str)], field)
    if pattern is None:
        return Remedy(evidence, none="there is not exactly one way to read its values")
    if evidence.rows >= evidence.of:
        return Remedy(
            evidence, f"{evidence.path} is written as {pattern}",
            lambda text: edit.set_option(text, evidence.path, "format", pattern),
        )  # fmt: skip
    to = "date" if str(field.type) == "date" else "timestamp"
    if field.format.pattern is not None or str(field.type) == "time" or "%z" in pattern:
        return Remedy(evidence, none=f"some rows are written as {pattern}, and no repair writes the declared form")
    return _repair(evidence, CastValue(evidence.path, to, pattern=pattern))  # type: ignore[arg-type]


def _cast(field: Field, evidence: Evidence) -> Remedy:
    name = str(field.type)
    to = "number" if isinstance(field.type, Decimal) else _CASTS.get(name)
    if to is None or not evidence.values:
        return Remedy(evidence, none="its values cannot be written as the contract wants them without a guess")
    step = CastValue(evidence.path, to)  # type: ignore[arg-type]
    passing = sum(_passes(cast_value(value, step), field) for value in evidence.values)
    if not passing:
        return Remedy(evidence, none="its values cannot be written as the contract wants them without a guess")
    return _repair(evidence, step)


_CASTS = {"int": "integer", "long": "integer", "float": "number", "double": "number", "boolean": "boolean", "string": "text"}


def _repair(evidence: Evidence, cast: CastValue) -> Remedy:
    step = RepairStep(Where(rule=evidence.rule, path=evidence.path), cast=cast)
    return Remedy(evidence, f"repair: {step}", step=step)


def _passes(value: Any, field: Field) -> bool:
    if value is KEEP:
        return False
    try:
        scalar(value, field)
    except Refused:
        return False
    return True


def _typed(field: Field, evidence: Evidence) -> list[Any]:
    found = []
    for value in evidence.values:
        try:
            found.append(scalar(value, field))
        except Refused:
            continue
    return found


_ACTS: dict[str, Callable[[Field, Evidence], Remedy]] = {
    "unknown_value": _word,
    "wrong_length": _length,
    "out_of_range": _range,
    "null_in_required": _may_be_null,
    "missing_required": _may_be_null,
    "pattern_mismatch": _pattern,
    "renamed": _alias,
    "wrong_format": _writing,
    "wrong_type": _cast,
}
_REASONS = {
    "inexact": "only a person can say how to round, or that the column needs another type",
    "date_order": "dates that fit both ways cannot be told apart",
    "decimal_comma": "declare the decimalSeparator of the field, if the producer changed it",
    "duplicate_key": "which of the rows is right is not known; startrail quarantine discard takes the others out",
    "malformed": "the record cannot be read; ask for it again, or discard it",
    "unit_shift": "only a person can say in which unit it is",
    "missing_optional": "the source's drift policy refuses what the contract allows",
}
"""Why a rule has no remedy."""
