"""The change of a contract that adopts a drift, made from every value that was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import msgspec

from startrail.base.text import printable
from startrail.capabilities.contracts.errors import NoPatch
from startrail.capabilities.contracts.exchange.errors import NothingToPromise
from startrail.capabilities.contracts.exchange.infer import infer
from startrail.capabilities.contracts.judge import item_field, struct_fields
from startrail.capabilities.contracts.proposal import Proposal, add_field, declaration
from startrail.capabilities.contracts.records import Unreadable, dump, parse
from startrail.flow.drift import Changed, showing
from startrail.flow.session import Ports
from startrail.model.contract import Contract, Field
from startrail.model.project import Project
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf
from startrail.ports.exchange import Batch
from startrail.ports.witness import CannotWitness, Witness
from startrail.project import odcs_edit
from startrail.project.documents import contract_document
from startrail.project.yaml_write import Verbatim

PATCHED = ("new_field", "undeclared_field", "renamed", "widened", "unknown_value", "new_value")
"""Kinds for which there is a patch."""
_BATCH = 1000
_MOST_VALUES = 50
_WIDER: dict[str, DataType] = {"int": Primitive("long"), "float": Primitive("double")}


def propose(project: Project, drift: Changed, ports: Ports, witness: Witness) -> Proposal:
    """The contract's file as it should be. Raises NoPatch (ST335), CannotEdit (ST384)."""
    if drift.kind not in PATCHED:
        raise NoPatch(
            f"no change of the contract adopts {drift.kind}",
            hint="startrail drift ack lets it be for a time, where its kind can be let in",
        )
    source = project.sources[drift.source]
    contract = project.contracts[str(source.contract)]
    before = contract_document(project.root, contract)
    if drift.kind == "renamed":
        after, why = odcs_edit.add_alias(before, drift.path, drift.sample), f"{drift.path} may also be called {drift.sample}"
    elif drift.kind == "widened":
        after, why = _widened(before, contract, drift)
    else:
        values = _Values(project, drift, contract, ports, witness)
        add = _declared if drift.kind in ("new_field", "undeclared_field") else _named
        after, why = add(before, contract, drift, values)
    after = odcs_edit.set_version(after, odcs_edit.raised(contract.version))
    return Proposal(contract.span.file, before, after, (why,))


class _Values:
    """The values at the drift's path in every delivery that shows it, as they landed."""

    def __init__(self, project: Project, drift: Changed, contract: Contract, ports: Ports, witness: Witness) -> None:
        self._source = project.sources[drift.source]
        self._contract = contract
        self._ports = ports
        self._witness = witness
        self._deliveries = showing(ports.ledger, drift.source, drift.kind, drift.path)
        self.textual = False
        self.null_words: tuple[str, ...] = self._source.csv.null_words

    def at(self, steps: list[str]) -> Iterator[Any]:
        source = self._source
        for id in self._deliveries:
            delivery = self._ports.ledger.delivery(id)
            if delivery is None:
                continue
            self.textual = delivery.media.startswith("csv")
            try:
                with closing(
                    self._witness.records(delivery.key, delivery.media, self._contract, source.csv, source.feed.records)
                ) as records:
                    for raw in records:
                        yield from _within(_parsed(raw), steps)
            except CannotWitness:
                continue


def _declared(text: str, contract: Contract, drift: Changed, values: _Values) -> tuple[str, str]:
    parent, name = _parted(drift.path, contract)
    steps = [*_steps(parent), name]
    found = _inferred(values.at(steps), name, values)
    if found is None:
        raise NoPatch(
            f"the values at {drift.path} are of no one type",
            hint="declare the field by hand; startrail drift list shows a value of it",
        )
    field = msgspec.structs.replace(_optional(found), name=name)
    return add_field(text, field, parent), f"{drift.path} is declared: {field.type}, as every value seen says"


def _named(text: str, contract: Contract, drift: Changed, values: _Values) -> tuple[str, str]:
    field = _field_at(contract, drift.path)
    known = set(field.enum or ())
    new: dict[str, None] = {}
    for value in values.at(_steps(drift.path)):
        if isinstance(value, str) and value not in known and not (values.textual and value in values.null_words):
            new.setdefault(str.__str__(value))
        if len(new) > _MOST_VALUES:
            raise NoPatch(
                f"{drift.path} has more than {_MOST_VALUES} values that its enumeration does not name",
                hint="it may be none; take the enumeration out of the contract",
            )
    text_like = field.type == Primitive("string") or str(field.type) in (
        "uuid",
        "binary",
        "date",
        "time",
        "timestamp",
        "timestamptz",
    )
    for value in new:
        text = odcs_edit.add_enum_value(text, drift.path, value if text_like else Verbatim(value))
    return text, f"{drift.path} may be {', '.join(printable(value, 40) for value in new)} too"


def _widened(text: str, contract: Contract, drift: Changed) -> tuple[str, str]:
    field = _field_at(contract, drift.path)
    wider = Decimal(38, field.type.scale) if isinstance(field.type, Decimal) else _WIDER.get(str(field.type))
    if wider is None:
        raise NoPatch(f"{drift.path} is {field.type}, which takes {drift.sample} as it is", hint="nothing needs to change")
    said = declaration(Field(field.name, wider))
    text = odcs_edit.remove_option(text, drift.path, "format")
    text = odcs_edit.set_key(text, drift.path, "physicalType", said.get("physicalType", "bigint"))
    return text, f"{drift.path} is {wider} now"


def _inferred(values: Iterable[Any], name: str, seen: _Values) -> Field | None:
    """The one type that every value says; None when there is none."""
    values = iter(values)

    def batches() -> Iterator[Batch]:
        while some := list(islice(values, _BATCH)):
            if seen.textual:
                yield Batch(names=("value",), columns=(tuple(each for each in some if isinstance(each, str)),))
            else:
                yield Batch(raws=tuple(f'{{"value":{dump(each)}}}'.encode(errors="surrogatepass") for each in some))

    try:
        (field,) = infer(batches(), "value", name, null_words=seen.null_words if seen.textual else ()).contract.fields
    except NothingToPromise:
        return None
    return field


def _optional(field: Field) -> Field:
    """Nobody promised that it will be there."""
    item = None if field.item is None else _optional(field.item)
    return msgspec.structs.replace(field, required=False, fields=tuple(map(_optional, field.fields)), item=item)


def _parsed(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return parse(raw)
    except Unreadable:
        return None


def _within(tree: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        if tree is not None:
            yield tree
    elif steps[0] == "[]":
        for inner in tree if isinstance(tree, list) else ():
            yield from _within(inner, steps[1:])
    elif isinstance(tree, dict) and steps[0] in tree:
        yield from _within(tree[steps[0]], steps[1:])


def _parted(path: str, contract: Contract) -> tuple[str, str]:
    """The path of the object, and the field's name in it. A name at the top may have any marks in it."""
    bare = path.removeprefix("$.")
    inside = any(bare.startswith((f"{field.name}.", f"{field.name}[")) for field in contract.fields)
    parent, _, name = bare.rpartition(".")
    return (f"$.{parent}", name) if inside and parent else ("$", bare)


def _steps(path: str) -> list[str]:
    """``$.items[].size`` -> items, [], size."""
    found: list[str] = []
    for part in path.removeprefix("$").strip(".").split("."):
        name = part.rstrip("[]")
        found += ([name] if name else []) + ["[]"] * part.count("[]")
    return found


def _field_at(contract: Contract, path: str) -> Field:
    steps = _steps(path)
    fields: tuple[Field, ...] = contract.fields
    found: Field | None = None
    for step in steps:
        if step == "[]":
            found = item_field(found) if found is not None and isinstance(found.type, ListOf | MapOf) else None
        else:
            found = next((field for field in fields if field.name == step), None)
        if found is None:
            raise NoPatch(f"the contract declares no field {printable(path, 80)}", hint="startrail drift list")
        fields = struct_fields(found) if isinstance(found.type, StructOf) else ()
    assert found is not None, "a path has a step"
    return found
