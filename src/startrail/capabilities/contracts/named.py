"""Fields that a delivery's name gives: columns of its rows, where the contract declares them and the file has none.

A field of the name stands where a declared default would: it is what an absent value means, in this delivery.
"""

from __future__ import annotations

import msgspec

from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.model.contract import Contract, Field
from startrail.model.delivery import Delivery
from startrail.model.exact import bound
from startrail.model.named import named
from startrail.model.promises import broken
from startrail.model.refusal import Refused
from startrail.model.source import Source
from startrail.model.types import ListOf, MapOf, StructOf
from startrail.ports.loader import LoadOutcome


class NameUnread(SourceError):
    """A file's name does not say what its source's pattern wants of it, or says it in two ways. The delivery is held.

    Correct `pattern` in the source's feed and run again, which reads the name anew; or have the file sent under a right
    name, and give this delivery up with `startrail quarantine discard`. Braces that are no field are written twice.
    """

    code = "ST216"


class NameBreaksContract(SourceError):
    """What a file's name says is no value of the field that the contract declares under that name. The delivery is held.

    The field's type, limits and allowed values hold for it as for data. Dates and times come in ISO form, other text as
    it stands in the name. Correct the contract or `pattern`, and run again.
    """

    code = "ST217"


class Fielded(msgspec.Struct, frozen=True):
    """The contract as it is for one delivery. ``fields`` are those of its name that the contract declares."""

    contract: Contract
    fields: frozenset[str] = frozenset()
    refusal: SourceError | None = None
    """Why nothing of the delivery can be loaded."""

    @property
    def held(self) -> str | None:
        """The refusal as the reason of a held delivery."""
        return None if self.refusal is None else f"{self.refusal.code} {self.refusal.message}"


def fielded(contract: Contract, source: Source, delivery: Delivery) -> Fielded:
    """The contract, in which what the name says stands for what a record does not say."""
    found = named(source, delivery.name)
    shown = printable(delivery.name, 80)
    if found.problem is not None:
        return Fielded(contract, refusal=NameUnread(f"the name '{shown}' {found.problem}", at=source.span))
    declared = [field for field in contract.fields if field.name in found.fields]
    for field in declared:
        expected = _unlike(found.fields[field.name], field)
        if expected is not None:
            told = (
                f"the name '{shown}' says '{printable(found.fields[field.name], 40)}' for {field.name}, which is to be {expected}"
            )
            return Fielded(contract, refusal=NameBreaksContract(told, at=source.span))
    if not declared:
        return Fielded(contract)
    names = frozenset(field.name for field in declared)
    fields = tuple(
        msgspec.structs.replace(field, default=found.fields[field.name]) if field.name in names else field
        for field in contract.fields
    )
    return Fielded(msgspec.structs.replace(contract, fields=fields), names)


def told_elsewhere(outcome: LoadOutcome, fields: frozenset[str]) -> LoadOutcome:
    """Without the remark that these fields are absent from the file: the name has them."""
    if not fields:
        return outcome
    paths = {f"$.{name}" for name in fields}
    seen = tuple(drift for drift in outcome.drift if drift.kind != "defaulted" or drift.path not in paths)
    return msgspec.structs.replace(outcome, drift=seen)


def _unlike(text: str, field: Field) -> str | None:
    """What the contract wants instead; None when the text is a value of the field."""
    if isinstance(field.type, ListOf | MapOf | StructOf):
        return f"{field.type}, which no name can give"
    try:
        value = bound(text, field)
    except Refused as refused:
        return refused.expected
    return next((expected for kind, expected in broken(value, field) if kind != "new_value"), None)
