"""Avro schemas, parsed and validated by Apache's ``avro`` package, as plain values."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

from startrail.base.text import printable
from startrail.ports.compatibility import (
    AvroArray,
    AvroDefinition,
    AvroEnum,
    AvroField,
    AvroFixed,
    AvroLogical,
    AvroMap,
    AvroNamed,
    AvroPrimitive,
    AvroRecord,
    AvroSchema,
    AvroType,
    AvroUnion,
    ReferenceMissing,
    Refs,
    SchemaReaderMissing,
    SchemaTooLarge,
    SchemaUnreadable,
    refuse_large,
)

try:
    import avro.errors
    import avro.name
    import avro.schema
except ImportError:
    raise SchemaReaderMissing("the package 'avro' is not installed", hint="pip install 'startrail[registry]'") from None

_LOGICAL = {
    ("int", "date"), ("int", "time-millis"), ("long", "time-micros"), ("long", "timestamp-millis"),
    ("long", "timestamp-micros"), ("long", "timestamp-nanos"), ("long", "local-timestamp-millis"),
    ("long", "local-timestamp-micros"), ("long", "local-timestamp-nanos"), ("string", "uuid"), ("fixed", "uuid"),
    ("bytes", "decimal"), ("fixed", "decimal"), ("bytes", "big-decimal"), ("fixed", "duration"),
}  # fmt: skip
_UNKNOWN_NAME = re.compile(r"Could not make an Avro Schema object from ([A-Za-z_][\w.]*)")


class AvroPackage:
    """The port's ``AvroReader``."""

    def read(self, text: str, refs: Refs) -> AvroSchema:
        """Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        names = avro.name.Names()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _read_refs(dict(refs), names)
                root = _parse(text, names, "the schema")
                found: dict[str, AvroDefinition] = {}
                for known in list(names.names.values()):
                    _named(known, found)
                return AvroSchema(_type(root, found), found)
        except RecursionError:
            raise SchemaTooLarge("the Avro schema is nested too deep", hint="name inner records and refer to them") from None


def _read_refs(pending: dict[str, str], names: Any) -> None:
    """Read every reference after those that it needs itself; the last error is told when none can be read."""
    while pending:
        failure: SchemaUnreadable | ReferenceMissing | None = None
        for name in list(pending):
            before = dict(names.names)
            try:
                _parse(pending[name], names, f"reference '{printable(name, 80)}'")
                del pending[name]
            except (SchemaUnreadable, ReferenceMissing) as error:
                names.names.clear()
                names.names.update(before)
                failure = error
            else:
                break
        else:
            assert failure is not None
            raise failure


def _parse(text: str, names: Any, what: str) -> Any:
    refuse_large(text, what)
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SchemaUnreadable(f"{what} is not JSON: {printable(str(error), 200)}", hint="mend the text") from None
    if isinstance(data, str) and names.has_name(data):
        return names.get_name(data)
    try:
        return avro.schema.make_avsc_object(data, names)
    except (avro.errors.AvroException, KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{what} is not an Avro schema: {printable(str(error), 300)}"
        missing = _UNKNOWN_NAME.search(str(error))
        if missing is not None and missing[1] != "None":
            raise ReferenceMissing(
                f"{what} names '{printable(missing[1], 80)}', which nothing defines",
                hint="define it, or give the schema that does as a reference",
            ) from None
        raise SchemaUnreadable(message, hint="mend the text") from None


def _type(schema: Any, found: dict[str, AvroDefinition]) -> AvroType:
    kind = schema.type
    if kind in ("record", "error", "enum", "fixed"):
        return _named(schema, found)
    if kind == "array":
        return AvroArray(_type(schema.items, found))
    if kind == "map":
        return AvroMap(_type(schema.values, found))
    if kind in ("union", "error_union"):
        return AvroUnion(tuple(_type(branch, found) for branch in schema.schemas))
    return AvroPrimitive(kind, _logical(kind, schema))


def _named(schema: Any, found: dict[str, AvroDefinition]) -> AvroNamed:
    name = schema.fullname
    if name not in found:
        aliases = _aliases(schema)
        if schema.type == "enum":
            default = schema.get_prop("default")
            found[name] = AvroEnum(name, tuple(schema.symbols), default if isinstance(default, str) else None, aliases)
        elif schema.type == "fixed":
            found[name] = AvroFixed(name, schema.size, _logical("fixed", schema), aliases)
        else:
            found[name] = AvroRecord(name, (), aliases)  # its fields may refer to it
            found[name] = AvroRecord(name, tuple(_field(field, found) for field in schema.fields), aliases)
    return AvroNamed(name)


def _field(field: Any, found: dict[str, AvroDefinition]) -> AvroField:
    aliases = field.get_prop("aliases")
    return AvroField(
        field.name,
        _type(field.type, found),
        json.dumps(field.default) if field.has_default else None,
        tuple(aliases) if isinstance(aliases, list) else (),
    )


def _aliases(schema: Any) -> tuple[str, ...]:
    """As full names: one without a dot is in the namespace of the schema that has it."""
    given = schema.get_prop("aliases")
    space = schema.fullname.rpartition(".")[0]
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    return tuple(name if "." in name or not space else f"{space}.{name}" for name in names)


def _logical(kind: str, schema: Any) -> AvroLogical | None:
    """As the specification has it: one that is unknown or invalid is ignored."""
    name = schema.get_prop("logicalType")
    if not isinstance(name, str) or (kind, name) not in _LOGICAL:
        return None
    if name != "decimal":
        return AvroLogical(name)
    precision, scale = schema.get_prop("precision"), schema.get_prop("scale") or 0
    if not isinstance(precision, int) or not isinstance(scale, int) or not 0 <= scale <= precision:
        return None
    return AvroLogical(name, precision, scale)
