"""The parts of an Apache Ossie document (core specification 0.2.0) that metrics need. Other keys are passed over."""

from __future__ import annotations

import msgspec

VERSION = "0.2.0.dev0"
DIALECT = "ANSI_SQL"


class DialectExpression(msgspec.Struct):
    """One text in one dialect."""

    dialect: str
    expression: str


class Expression(msgspec.Struct):
    """The same expression in several dialects."""

    dialects: list[DialectExpression]


class DimensionRole(msgspec.Struct):
    """Marks a field to split by."""

    is_time: bool | None = None


class CustomExtension(msgspec.Struct):
    """A vendor's own data, as JSON text."""

    vendor_name: str
    data: str


class Field(msgspec.Struct):
    """A column, or an expression over the columns of its dataset."""

    name: str
    expression: Expression
    dimension: DimensionRole | None = None
    datatype: str | None = None


class Dataset(msgspec.Struct):
    """A table."""

    name: str
    source: str
    primary_key: list[str] = []
    fields: list[Field] = []


class Relationship(msgspec.Struct, rename={"from_": "from"}):
    """Rows of ``from`` find one row of ``to``."""

    name: str
    from_: str
    to: str
    from_columns: list[str]
    to_columns: list[str]


class OssieMetric(msgspec.Struct):
    """An expression over aggregates."""

    name: str
    expression: Expression
    description: str | None = None
    custom_extensions: list[CustomExtension] = []


class SemanticModel(msgspec.Struct):
    """Datasets, how they hang together, and metrics over them."""

    name: str
    datasets: list[Dataset]
    relationships: list[Relationship] = []
    metrics: list[OssieMetric] = []


class Document(msgspec.Struct):
    """The whole file."""

    version: str
    semantic_model: list[SemanticModel]
