"""Schemas of other worlds as values, what reads them, and what a comparison of two of them finds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from startrail.base.errors import ContractError, ResourceError, UsageError

Refs = Mapping[str, str]
"""Texts of the schemas that another one refers to, by the name it uses."""

MAX_BYTES = 4 * 1024 * 1024
"""The longest schema text that is read, in UTF-8."""


class Mode(StrEnum):
    """Which pairs must fit, as schema registries name them."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    """The new schema reads what was written with the newest old one."""
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    """The newest old schema reads what is written with the new one."""
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    """Both."""
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


class SchemaType(StrEnum):
    """Languages that schemas are written in."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"
    ODCS = "ODCS"


class Incompatibility(msgspec.Struct, frozen=True):
    """One reason why two schemas do not fit."""

    kind: str
    """One of a stable set of words, listed in ``docs/reference/compatibility.md``."""
    path: str
    """A field path, or for JSON Schema a JSON pointer, in the schema that reads."""
    message: str
    change: str
    """What to do about it."""
    old: str = ""
    """The part of the old schema that it is about, at most 200 characters; empty when it has none."""
    new: str = ""
    version: int = 0
    """Which of the old schemas, counted from 0, the oldest first."""
    direction: str = "backward"
    """``backward``: the new schema cannot read old data; ``forward``: the old one cannot read new data."""


class SchemaUnreadable(ContractError):
    """A schema text is not a valid schema of its language.

    The message says what its own parser says, and where. Mend the text; nothing was compared.
    """

    code = "ST350"


class ReferenceMissing(ContractError):
    """A schema refers to another one that was not given.

    Nothing is ever fetched. Give the other schema's text as a reference, under the name that stands in this one.
    """

    code = "ST351"


class SchemaTooLarge(ContractError):
    """A schema is longer or nested deeper than is read.

    Schemas may be 4 MiB long and 256 levels deep. Split it, or name inner parts and refer to them.
    """

    code = "ST352"


class SchemaReaderMissing(ResourceError):
    """The package that reads this kind of schema is not installed.

    Avro needs ``avro``, Protobuf needs ``grpcio-tools``; both come with the extra: ``pip install 'startrail[registry]'``.
    """

    code = "ST353"


def refuse_large(text: str, what: str) -> None:
    """Raise SchemaTooLarge for a text that is not even parsed."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SchemaTooLarge(f"{what} is longer than {MAX_BYTES:,} bytes", hint="split it and refer to the parts")


class UnknownMode(UsageError):
    """There is no such compatibility mode or schema type.

    Modes: NONE, BACKWARD, FORWARD, FULL, and the last three with _TRANSITIVE. Types: AVRO, JSON, PROTOBUF, ODCS.
    """

    code = "ST354"


class UnknownSchemaType(UsageError):
    """A file's name and content do not tell which kind of schema it holds, or the files hold different kinds.

    Name the kind: ``--type AVRO``, ``JSON``, ``PROTOBUF`` or ``ODCS``.
    """

    code = "ST355"


class SchemaFileUnreadable(ContractError):
    """A file named on the command line cannot be read as text.

    Check that it exists, that it is a plain UTF-8 file, and that this user may read it.
    """

    code = "ST356"


class AvroField(msgspec.Struct, frozen=True):
    """A field of a record; ``default`` is its JSON text, None when there is none."""

    name: str
    type: AvroType
    default: str | None = None
    aliases: tuple[str, ...] = ()


class AvroPrimitive(msgspec.Struct, frozen=True, tag="primitive"):
    """``null boolean int long float double bytes string``, with the logical type as (name, precision, scale)."""

    name: str
    logical: AvroLogical | None = None


class AvroLogical(msgspec.Struct, frozen=True):
    """A logical type; precision and scale are those of ``decimal``."""

    name: str
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.name == "decimal" else self.name


class AvroArray(msgspec.Struct, frozen=True, tag="array"):
    """Items of one type."""

    items: AvroType


class AvroMap(msgspec.Struct, frozen=True, tag="map"):
    """Values of one type by text key."""

    values: AvroType


class AvroUnion(msgspec.Struct, frozen=True, tag="union"):
    """One of several types."""

    branches: tuple[AvroType, ...]


class AvroNamed(msgspec.Struct, frozen=True, tag="named"):
    """A record, enum or fixed, by its full name in :attr:`AvroSchema.names`."""

    name: str


class AvroRecord(msgspec.Struct, frozen=True, tag="record"):
    """``aliases`` are full names, also below."""

    name: str
    fields: tuple[AvroField, ...]
    aliases: tuple[str, ...] = ()


class AvroEnum(msgspec.Struct, frozen=True, tag="enum"):
    """Symbols; ``default`` stands for one that the reader does not know."""

    name: str
    symbols: tuple[str, ...]
    default: str | None = None
    aliases: tuple[str, ...] = ()


class AvroFixed(msgspec.Struct, frozen=True, tag="fixed"):
    """``size`` bytes."""

    name: str
    size: int
    logical: AvroLogical | None = None
    aliases: tuple[str, ...] = ()


AvroType = AvroPrimitive | AvroArray | AvroMap | AvroUnion | AvroNamed
AvroDefinition = AvroRecord | AvroEnum | AvroFixed


class AvroSchema(msgspec.Struct, frozen=True):
    """A valid schema: its root, and every definition by full name, so that it may be recursive."""

    root: AvroType
    names: dict[str, AvroDefinition]


class ProtoField(msgspec.Struct, frozen=True):
    """``type`` is a scalar's word, ``message``, ``group`` or ``enum``; then ``named`` is the full name of it."""

    name: str
    number: int
    type: str
    label: str
    """``optional``, ``required`` or ``repeated``."""
    named: str = ""
    oneof: str | None = None
    json_name: str = ""
    packed: bool = False


class ProtoMessage(msgspec.Struct, frozen=True):
    """``reserved`` are number ranges, both ends included; ``map_entry``: made by protoc for a map field."""

    name: str
    fields: tuple[ProtoField, ...]
    reserved: tuple[tuple[int, int], ...] = ()
    reserved_names: tuple[str, ...] = ()
    map_entry: bool = False
    extensions: tuple[tuple[int, int], ...] = ()


class ProtoEnum(msgspec.Struct, frozen=True):
    """``values``: (name, number) in their order. ``closed``: an unknown number is no value (proto2)."""

    name: str
    values: tuple[tuple[str, int], ...]
    reserved: tuple[tuple[int, int], ...] = ()
    closed: bool = False


class ProtoSchema(msgspec.Struct, frozen=True):
    """All messages and enums by full name, those of imports too; ``own`` names what the file itself defines."""

    package: str
    messages: dict[str, ProtoMessage]
    enums: dict[str, ProtoEnum]
    own: tuple[str, ...]


class AvroReader(Protocol):
    """Reads Avro schemas."""

    def read(self, text: str, refs: Refs) -> AvroSchema:
        """The schema. Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        ...


class ProtoReader(Protocol):
    """Reads ``.proto`` files; they can name no file but ``refs`` and the well-known ones."""

    def read(self, text: str, refs: Refs) -> ProtoSchema:
        """The schema. Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        ...
