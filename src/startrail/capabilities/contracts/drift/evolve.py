"""Evolution: under a policy that accepts them, undeclared fields become columns of the raw table, and types widen.

What the table itself says is all there is to know: a column that nobody declared bears :data:`TAKEN` as its doc, and a
declared one may be wider than its contract says. So what one run took over, the next one knows, whoever died between.
A type is what every value that was seen says exactly; later values that fit it only after a lossless widening widen it,
and those that never will stay in ``_extra``. Deliveries of one table take their turns in order of landing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from startrail.capabilities.contracts.drift.columns import raw_schema
from startrail.capabilities.contracts.exchange.errors import NothingToPromise
from startrail.capabilities.contracts.exchange.fields import field_of
from startrail.capabilities.contracts.exchange.infer import infer
from startrail.capabilities.contracts.policy import reaction
from startrail.capabilities.contracts.records import Unreadable, parse
from startrail.model.contract import Contract, Field
from startrail.model.drift import DriftKind
from startrail.model.evolution import widens
from startrail.model.exact import scalar
from startrail.model.names import Names
from startrail.model.refusal import JsonNumber, Refused
from startrail.model.source import Source
from startrail.model.step import StepOutput
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, Primitive
from startrail.ports.exchange import Batch
from startrail.ports.loader import OWN_COLUMNS, Drift, Loader, LoadOutcome

TAKEN = "The contract does not declare it; it is a column since a delivery brought it."
"""The doc of such a column."""
MOST_TAKEN = 300
"""Columns that one table takes over; what comes beyond stays in ``_extra``."""
_BATCH = 1000
_WIDER: dict[str, DataType] = {"int": Primitive("long"), "float": Primitive("double")}
_UNFIT: tuple[DriftKind, ...] = ("wrong_type", "inexact", "out_of_range", "widened")


class Promise(msgspec.Struct, frozen=True):
    """What a delivery is loaded under: the contract with what the table has beyond it."""

    contract: Contract
    columns: TableSchema
    """Of the table, without field ids."""
    taken: frozenset[str] = frozenset()
    """Fields of ``contract`` that the declared one does not have."""


@dataclass(frozen=True)
class Evolution:
    """How the table stands before a delivery is loaded, and how it may grow by it. ``contract`` is the declared one,
    ``assign`` gives columns their field ids."""

    promise: Promise
    contract: Contract
    source: Source
    assign: Callable[[TableSchema], TableSchema]
    may_grow: bool = True

    def grown(self, outcome: LoadOutcome, loader: Loader, media: str) -> Promise | None:
        """The promise with what this delivery brings; None when it brings nothing that a column could take."""
        if not self.may_grow:
            return None
        return grown(self.promise, self.contract, self.source, outcome, loader, media)


def takes_fields(source: Source) -> bool:
    """Whether undeclared fields become columns."""
    return reaction(source.drift, "new_field").do == "accept"


def widens_types(source: Source) -> bool:
    """Whether declared columns widen. Only a source that says so: by default a wider file loads the values that fit."""
    said = source.drift.preset == "mirror" or source.drift.widened is not None
    return said and reaction(source.drift, "widened").do == "accept"


def evolves(source: Source) -> bool:
    """Whether loading may change the columns of the source's table."""
    return takes_fields(source) or widens_types(source)


def promise(contract: Contract, source: Source, columns: TableSchema | None, media: str) -> Promise:
    """The contract over a table as it stands. A column stays where it is though the policy changed: then it is not
    filled any more. A CSV file without header has the declared columns and no others."""
    table = _columns(contract, columns)
    fields = contract.fields
    if widens_types(source):
        fields = tuple(_as_wide(field, table) for field in fields)
    taken: tuple[Field, ...] = ()
    if takes_fields(source) and not (media.startswith("csv") and not source.csv.header):
        declared = {field.name for field in fields}
        taken = tuple(field_of(c.name, c.type) for c in table.columns if c.doc == TAKEN and c.name not in declared)
    names = frozenset(field.name for field in taken)
    return Promise(msgspec.structs.replace(contract, fields=fields + taken), table, names)


def grown(
    before: Promise, contract: Contract, source: Source, outcome: LoadOutcome, loader: Loader, media: str
) -> Promise | None:
    """The promise with what this delivery brings; None when it brings nothing that a column could take."""
    csv = media.startswith("csv")
    columns = {column.name: column for column in before.columns.columns}
    found = dict(columns)
    if takes_fields(source) and not (csv and not source.csv.header) and _brings(before, outcome):
        fields = _inferred(loader.extras(outcome.files), csv, source.csv.null_words)
        for name, kind in _new_columns(fields, before, contract).items():
            old = columns.get(name)
            wider = kind if old is None else _joined(old.type, kind)
            if wider is not None:
                found[name] = Column(name, wider, doc=TAKEN)
    if widens_types(source):
        for field in before.contract.fields:
            wider = _needed(field, outcome.drift)
            if wider is not None and field.name not in before.taken:
                found[field.name] = msgspec.structs.replace(columns[field.name], type=wider)
    if found == columns:
        return None
    return promise(contract, source, TableSchema(tuple(found.values())), media)


def settled(outcome: LoadOutcome, taken: frozenset[str]) -> LoadOutcome:
    """Nobody promised these columns, so that it is no drift when a delivery lacks one or writes it otherwise."""
    if not taken:
        return outcome
    paths = {f"$.{name}" for name in taken}
    drift = tuple(d for d in outcome.drift if d.kind not in ("missing_optional", "case_change") or d.path not in paths)
    return msgspec.structs.replace(outcome, drift=drift)


def brought(before: Promise, after: Promise) -> dict[str, str]:
    """Columns that are new or wider, with their types."""
    known = {column.name: column.type for column in before.columns.columns}
    return {c.name: str(c.type) for c in after.columns.columns if known.get(c.name) != c.type}


class Turns:
    """One turn after the other, for works that run in threads begun in this order. A work that fails gives its turn
    away for good; when it is tried again, it goes when it can."""

    def __init__(self) -> None:
        self._last: threading.Event | None = None

    def next(self, work: Callable[[], StepOutput]) -> Callable[[], StepOutput]:
        """The work in its turn."""
        before, mine = self._last, threading.Event()
        self._last = mine

        def in_turn() -> StepOutput:
            if before is not None:
                before.wait()
            try:
                return work()
            finally:
                mine.set()

        return in_turn


def _columns(contract: Contract, table: TableSchema | None) -> TableSchema:
    """The declared columns, as wide as the table has them, our own, and those that were taken over, in their order."""
    declared = raw_schema(contract)
    there = {column.name: column for column in table.columns} if table is not None else {}
    columns = [_no_narrower(column, there.get(column.name)) for column in declared.columns]
    names = {column.name.lower() for column in columns}
    more = [Column(c.name, c.type, doc=TAKEN) for c in there.values() if c.doc == TAKEN and c.name.lower() not in names]
    return TableSchema((*columns, *more))


def _no_narrower(column: Column, there: Column | None) -> Column:
    """A narrower type would be another column, and hide what is there. Inner fields go by their own ids."""
    if there is None or not isinstance(there.type, Primitive | Decimal) or not widens(column.type, there.type):
        return column
    return msgspec.structs.replace(column, type=there.type)


def _as_wide(field: Field, table: TableSchema) -> Field:
    column = table.column(field.name)
    return field if column is None or column.type == field.type else msgspec.structs.replace(field, type=column.type)


def _brings(before: Promise, outcome: LoadOutcome) -> bool:
    """False when all that was kept stands inside declared objects and lists."""
    inside = tuple(f"{field.name}{mark}" for field in before.contract.fields for mark in (".", "["))
    return any(not name.startswith(inside) for name in outcome.kept)


def _inferred(extras: Iterable[str], csv: bool, null_words: tuple[str, ...]) -> tuple[Field, ...]:
    texts = iter(extras)
    try:
        return infer(_batches(texts, csv), "extra", "a delivery", null_words=null_words if csv else ()).contract.fields
    except NothingToPromise:
        return ()


def _batches(extras: Iterator[str], csv: bool) -> Iterator[Batch]:
    while some := list(islice(extras, _BATCH)):
        if not csv:
            yield Batch(raws=tuple(text.encode() for text in some))
            continue
        columns: dict[str, list[str]] = {}
        for text in some:
            for name, value in _texts(text).items():
                columns.setdefault(name, []).append(value)
        for name, values in columns.items():
            yield Batch(names=(name,), columns=(tuple(values),))


def _texts(extra: str) -> dict[str, str]:
    """The text values of one row's extra fields."""
    try:
        tree = parse(extra.encode())
    except Unreadable:
        return {}
    return {name: value for name, value in tree.items() if isinstance(value, str)}


def _new_columns(fields: tuple[Field, ...], before: Promise, contract: Contract) -> dict[str, DataType]:
    """Fields that can be columns: under names that no other column has, however written."""
    names = Names(contract)
    known = {column.name.lower(): column.name for column in before.columns.columns}
    room = MOST_TAKEN - sum(1 for column in before.columns.columns if column.doc == TAKEN)
    found: dict[str, DataType] = {}
    for field in fields:
        old = known.get(field.name.lower())
        usable = old == field.name and field.name in before.taken if old is not None else len(found) < room
        if field.name.startswith("$.") or names.may_mean(field.name) or field.name.lower() in OWN_COLUMNS or not usable:
            continue
        if field.format.pattern is not None:  # a column knows no patterns: such dates are text
            found[field.name] = Primitive("string")
        elif not _patterned(field):
            found[field.name] = field.type
    return found


def _patterned(field: Field) -> bool:
    """True when there are dates in a pattern of their own inside of it."""
    inner = (*field.fields, *((field.item,) if field.item is not None else ()))
    return field.format.pattern is not None or any(map(_patterned, inner))


def _joined(old: DataType, kind: DataType) -> DataType | None:
    """``old`` widened so that it also holds ``kind``; None when no lossless widening does."""
    match old, kind:
        case Decimal(), Decimal() if kind.scale <= old.scale:
            whole = max(old.precision - old.scale, kind.precision - kind.scale)
        case Decimal(), Primitive(name="long"):
            whole = max(old.precision - old.scale, 19)
        case _:
            return None
    return Decimal(whole + old.scale, old.scale) if old.precision < whole + old.scale <= 38 else None


def _needed(field: Field, drift: Iterable[Drift]) -> DataType | None:
    """The wider type that this declared field needs, when the values that did not fit would fit that."""
    wider = Decimal(38, field.type.scale) if isinstance(field.type, Decimal) else _WIDER.get(str(field.type))
    if wider is None or wider == field.type:
        return None
    for found in drift:
        if found.path != f"$.{field.name}" or found.kind not in _UNFIT:
            continue
        if found.kind == "widened" or (not _fits(found.sample, field.type, field) and _fits(found.sample, wider, field)):
            return wider
    return None


def _fits(sample: str, kind: DataType, field: Field) -> bool:
    """Whether the value that a person is shown is one of this type."""
    try:
        value = json.loads(sample, parse_int=JsonNumber, parse_float=JsonNumber)
        scalar(value, msgspec.structs.replace(field, type=kind))
    except (ValueError, Refused):
        return False
    return True
