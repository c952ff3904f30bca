"""Which fields alone need be read again, because nothing else about a record's decision is different.

A record is decided field by field, so what an unchanged field says stands in the record of the load. That is
certain only where the field means the same names in the data as before, and where no other record and no
policy beyond refusing has a part in it; everything else is read again as a whole.
"""

from __future__ import annotations

import json
import re

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.capabilities.contracts.drift.evolve import evolves
from startrail.capabilities.contracts.policy import ROWS, kinds_with, reaction
from startrail.model.contract import Contract, Field, contract_fingerprint
from startrail.model.drift import DriftKind
from startrail.model.source import Source
from startrail.model.step import StepOutput
from startrail.model.types import ListOf, MapOf, StructOf
from startrail.ports.ledger import Ledger
from startrail.ports.loader import Drift
from startrail.ports.rehearsal import Part
from startrail.project.documents import kept_contract

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_STAYS: tuple[DriftKind, ...] = (*ROWS, "new_field", "missing_optional", "missing_required", "defaulted")
"""What is told of a record, or of all, whether or not the record is refused for another field."""
_COMPLETE = 50
"""A step notes this many departures at most: fewer are all there were."""


def recalled(contract: Contract, ledger: Ledger) -> list[Contract]:
    """The versions of the contract under which something was loaded, as they are read now; the unreadable left out."""
    found = []
    for kept in ledger.contract_versions(contract.name):
        try:
            found.append(kept_contract(kept))
        except StartrailError:
            continue  # what was loaded under it is read again as a whole
    return found


def changed_fields(old: Contract, new: Contract, source: Source) -> tuple[str, ...] | None:
    """Names of the fields that decide whether a record that was loaded is still taken; None when all may."""
    if old.primary_key != new.primary_key or old.closed or new.closed or not _refuses_only(source):
        return None
    before, after = {f.name: f for f in old.fields}, {f.name: f for f in new.fields}
    if before.keys() - after.keys():
        return None
    changed = [name for name, field in after.items() if name not in before or _promise(field) != _promise(before[name])]
    pairs = [(before.get(name), after[name]) for name in changed]
    if not changed or not all(_alone(one, other, new.primary_key) for one, other in pairs):
        return None
    others = [field for name, field in after.items() if name not in changed]
    mine = _words([after[name] for name in changed])
    if mine & _words(others) or any(f.name.startswith(f"{name}.") for f in others for name in changed):
        return None
    return tuple(changed)


def part_of(changed: tuple[str, ...] | None, contract: Contract, media: str, output: StepOutput) -> Part | None:
    """These fields of this delivery, whose load left ``output``."""
    drift = _noted(output)
    if changed is None or drift is None or not media.startswith("ndjson") or "repaired" in output.note:
        return None
    inner = tuple(f"$.{name}{mark}" for name in changed for mark in (".", "["))
    if any(each.kind not in _STAYS or each.path.startswith(inner) for each in drift):
        return None
    must = frozenset(name for name in changed if (field := contract.field(name)) is not None and field.required)
    return Part(changed, must, drift)


def part_contract(contract: Contract, part: Part) -> Contract:
    """The contract of the fields alone."""
    return msgspec.structs.replace(contract, fields=tuple(f for f in contract.fields if f.name in part.fields), primary_key=())


def _refuses_only(source: Source) -> bool:
    """Whether a record that breaks its contract is always set aside, and none for an undeclared field."""
    milder = kinds_with(source.drift, "accept", "keep") & frozenset(ROWS)
    return not milder and not evolves(source) and reaction(source.drift, "new_field").do != "quarantine"


def _promise(field: Field) -> str:
    """All that loading depends on."""
    return contract_fingerprint(Contract("", "", (field,), field.span or Span("")))


def _alone(before: Field | None, after: Field, key: tuple[str, ...]) -> bool:
    """Whether the field is a single value under a plain name, decided without other records."""
    fields = [field for field in (before, after) if field is not None]
    if after.name in key or not _PLAIN.fullmatch(after.name):
        return False
    if any(field.unique or field.enum_open or isinstance(field.type, (ListOf, MapOf, StructOf)) for field in fields):
        return False
    if any(field.default is not None for field in fields):
        return False
    return before is None or before.aliases == after.aliases


def _words(fields: list[Field]) -> set[str]:
    """All names that may mean one of the fields, in lower case."""
    return {word.lower() for field in fields for word in (field.name, *field.aliases)}


def _noted(output: StepOutput) -> tuple[Drift, ...] | None:
    """All that was seen when it was loaded; None when it may have been more than is noted."""
    if "drift" not in output.note:
        return ()
    found = msgspec.convert(json.loads(output.note["drift"]), tuple[Drift, ...])
    return found if len(found) < _COMPLETE else None
