"""Loading: bytes of a delivery to Parquet files of typed rows, with nothing guessed and nothing lost.

Two parties share the work. The *loader* is fast: it passes what certainly keeps the contract. The *judge* is the
specification: plain Python that decides one record and names every violation. Whatever the loader does not
pass, the judge decides, so a loader may be as cautious as it likes but never laxer than the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from startrail.base.text import printable
from startrail.model.contract import Contract, Field
from startrail.model.drift import DriftKind
from startrail.model.source import Dialect
from startrail.model.step import Dates
from startrail.model.table import TableSchema

DELIVERY = "_delivery"
ORDINAL = "_ordinal"
EXTRA = "_extra"
OWN_COLUMNS = (DELIVERY, ORDINAL, EXTRA)
"""What loading adds to the declared columns: where a row came from, its record number (from 1) in the delivery,
and JSON text of the fields that no contract declares."""


class Violation(msgspec.Struct, frozen=True):
    """One promise that one record breaks. ``path`` is ``$.items[0].price``; ``got`` is bounded, printable text."""

    path: str
    rule: DriftKind
    expected: str
    got: str


def defaulted(field: Field, path: str) -> Violation:
    """The remark that a field is missing and its declared default stands for it."""
    return Violation(path, "defaulted", str(field.type), f"nothing; {printable(field.default or '', 80)} is taken")


class Judged(msgspec.Struct, frozen=True):
    """The decision about one record: no violations = accepted.

    ``record`` is then the record as JSON with every value in its canonical form (see ``contracts.records``), and
    ``extra`` the JSON text of its undeclared fields; ``unknown`` names those fields (``$.items[].x`` for inner ones).
    """

    violations: tuple[Violation, ...] = ()
    record: bytes = b"{}"
    extra: str | None = None
    unknown: tuple[str, ...] = ()
    noted: tuple[Violation, ...] = ()
    """What departs from the contract and is let in all the same, as the source's policy wants; of a record with
    violations, which defaults it took."""


class Judge(Protocol):
    """The specification as a function of one raw record. Never raises on data."""

    def __call__(self, raw: bytes) -> Judged: ...


@runtime_checkable
class FieldJudge(Judge, Protocol):
    """A judge that can also look at some fields alone."""

    def fields(self, members: bytes, doubtful: tuple[str, ...]) -> Judged | None:
        """The decision about a record that is refused for one of the ``doubtful`` fields or for undeclared ones; None when
        it is not refused for these, so that it must be judged as a whole. ``doubtful`` is in the contract's order;
        ``members`` is a JSON object of those of them that the record has, and of its undeclared fields, none of which may
        mean a declared one. All other fields must be such that the judge says nothing about them, but for defaults that are
        counted elsewhere."""
        ...


class Mender(Protocol):
    """Repairs of refused records. Never raises on data."""

    def __call__(self, ordinal: int, raw: bytes, violations: tuple[Violation, ...]) -> bytes | None:
        """The record as it should be judged, or None when no repair is for it."""
        ...


class Redo(msgspec.Struct, frozen=True):
    """What is different when a delivery is loaded again: refused records may be mended, and are then judged once
    more; records that a person has discarded are neither loaded nor refused."""

    mend: Mender | None = None
    discarded: frozenset[int] = frozenset()
    """Ordinals."""


class Drift(msgspec.Struct, frozen=True):
    """One kind of departure at one path of a delivery, with how many rows show it and one example."""

    kind: DriftKind
    path: str
    rows: int
    sample: str = ""
    whole: bool = False
    """True: no single row shows it, so none can be set aside for it."""


class LoadTask(msgspec.Struct, frozen=True):
    """One delivery to load. ``media`` as in model.delivery; ``records`` is the JSON path of a document's records;
    ``partition`` the time column (and grain) whose touched partitions are asked for."""

    delivery: str
    key: str
    """Store key of the landed bytes."""
    media: str
    contract: Contract
    schema: TableSchema
    dialect: Dialect = Dialect()
    records: str = "$"
    partition: tuple[str, str] | None = None
    closed: bool = False
    """True: no record with an undeclared field may pass without the judge."""
    redo: Redo | None = None
    named: frozenset[str] = frozenset()
    """Fields that the delivery's name gives, as defaults of the contract; a file without header has no such columns."""


class LocalFile(msgspec.Struct, frozen=True):
    """A finished Parquet file in the scratch folder."""

    path: Path
    rows: int


class LoadOutcome(msgspec.Struct, frozen=True):
    """What became of a delivery, before anyone decides whether it may be seen.

    ``rows_in`` is counted where the bytes are cut into records, independently of the files. ``unreadable`` is a
    reason to set the whole delivery aside; nothing else is then filled but ``drift``, which says what kind of reason
    it is, and ``rows_in``, as far as it is known.
    """

    rows_in: int
    files: tuple[LocalFile, ...] = ()
    rejected: LocalFile | None = None
    touched: dict[str, int] = {}
    kept: dict[str, int] = {}
    drift: tuple[Drift, ...] = ()
    unreadable: str | None = None
    mended: int = 0
    """Records that keep the contract since they were mended."""
    discarded: int = 0
    medians: dict[str, float] = {}
    """The median of each numeric column that is no key, and ``length(name)`` of each text column of a file
    without header."""
    dates: dict[str, Dates] = {}
    """Of each date whose declared pattern has day and month as numbers: where the delivery's days lie."""
    turned: dict[str, Dates] = {}
    """Of those of them whose every day is also a month: where the days lie when day and month change places."""
    unended: bool = False
    """A CSV file whose last line has no line end."""
    careful: str | None = None
    """Why every single record was judged, when the quick way gave up: a key twice in one object, for example."""
    reader: str = ""
    """Which of the readers of records it was, where there is a choice (not for CSV)."""


Progress = Callable[[int, int], None]
"""Called now and then with the bytes read so far and the bytes there are (0 = not known)."""


class Landed(Protocol):
    """What a loader needs of a store."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """The bytes of ``key`` as a file of this machine."""
        ...


class Loader(Protocol):
    """Raises ResourceError for memory and disk (ST6xx), ContractError ST320 when it contradicts its judge."""

    def load(self, task: LoadTask, judge: Judge, progress: Progress) -> AbstractContextManager[LoadOutcome]:
        """Read the landed bytes. The outcome's files are there while the context is open; adopt them inside it."""
        ...

    def extras(self, files: Sequence[LocalFile]) -> Iterator[str]:
        """The extra fields of staged rows that have any, as JSON text; the files are those of an open outcome."""
        ...
