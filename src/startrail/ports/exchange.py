"""Samples: what a file or table holds, before anyone says what a contract would promise of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from startrail.model.source import Dialect, Format


class SampleForm(msgspec.Struct, frozen=True):
    """How a sample is written; declared by whoever gives it. ``format`` None = by the ending of its name."""

    format: Format | None = None
    dialect: Dialect = Dialect()
    records: str = "$"
    """JSON path to the records of a JSON document."""


class Batch(msgspec.Struct, frozen=True):
    """Some records of a text file. Of CSV: ``names`` and, for each, the texts of its ``columns``. Of JSON: ``raws``."""

    names: tuple[str, ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()
    raws: tuple[bytes, ...] = ()
    broken: tuple[str, ...] = ()
    """Why records were passed over; they are not among the others."""
    cut: bool = False
    """True in the last batch when the file goes on."""


class ColumnFacts(msgspec.Struct, frozen=True):
    """What the values of one typed column show. ``distinct`` None = not counted; ``few`` = all of them, when few."""

    name: str
    rows: int
    nulls: int
    distinct: int | None = None
    few: tuple[str, ...] = ()


class Samples(Protocol):
    """Reads sample files. Raises ContractError ST370 for a file that cannot be read, UsageError ST371 for one whose
    format nobody said."""

    def format_of(self, path: Path, form: SampleForm) -> Format:
        """``csv``, ``ndjson``, ``json`` or ``parquet``."""
        ...

    def texts(self, path: Path, form: SampleForm) -> Iterator[Batch]:
        """The records of a CSV, NDJSON or JSON file, compressed or not."""
        ...

    def described(self, path: Path) -> bytes:
        """The schema of a Parquet file, in the JSON form of Arrow's integration format."""
        ...

    def avro_schema(self, path: Path) -> bytes:
        """The text of an Avro schema: of a schema file, or the one that a data file begins with."""
        ...

    def facts(self, path: Path) -> tuple[ColumnFacts, ...]:
        """What the values of a Parquet file's columns show."""
        ...
