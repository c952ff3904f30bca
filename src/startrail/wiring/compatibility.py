"""``startrail.compatible``: which reader and which rules serve a schema language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from startrail.base.text import did_you_mean, printable
from startrail.ports.compatibility import Incompatibility, Mode, Refs, SchemaType, UnknownMode

GivenRefs = Mapping[str, str] | Sequence[tuple[str, str]] | Sequence[Mapping[str, str]]
"""Name to text; as a mapping, as pairs, or for several old schemas as one mapping each."""


def compatible(
    old: str | Sequence[str],
    new: str,
    mode: str,
    schema_type: str = "AVRO",
    old_refs: GivenRefs | None = None,
    new_refs: GivenRefs | None = None,
    lenient: bool = False,
) -> list[Incompatibility]:
    """Why ``new`` may not follow ``old``: one schema text, or several, the oldest first. Empty when it may.

    ``mode``: NONE, BACKWARD (the new schema reads what the newest old one wrote), FORWARD (the other way round), FULL
    (both), and the last three with _TRANSITIVE, where all old schemas count. ``schema_type``: AVRO, JSON, PROTOBUF, ODCS.
    The references are the texts of schemas that the others refer to by name; nothing is ever fetched. ``lenient``: in
    JSON Schema, data has no properties that its schema does not declare; in Protobuf, numbers of removed
    fields need not be reserved.

    Raises SchemaUnreadable (ST350), ReferenceMissing (ST351), SchemaTooLarge (ST352), ReaderMissing (ST353), UnknownMode (ST354).
    """
    from startrail.capabilities.contracts.compatibility.check import check

    chosen = _word(Mode, mode, "mode")
    language = _language(_word(SchemaType, schema_type, "schema type"), lenient)
    texts = [old] if isinstance(old, str) else list(old)
    return check(language, list(zip(texts, _each(old_refs, len(texts)), strict=True)), (new, _each(new_refs, 1)[0]), chosen)


def _word(kind: Any, word: str, what: str) -> Any:
    try:
        return kind(str(word).upper())
    except ValueError:
        hint = did_you_mean(str(word).upper(), [each.value for each in kind])
        raise UnknownMode(f"there is no {what} '{printable(str(word), 60)}'", hint=hint) from None


def _each(refs: GivenRefs | None, count: int) -> list[Refs]:
    """The references of each of ``count`` schemas."""
    if not refs:
        return [{}] * count
    if isinstance(refs, Mapping):
        return [refs] * count
    given: list[Any] = list(refs)
    if all(isinstance(each, Mapping) for each in given):
        return given if len(given) == count else [{name: text for each in given for name, text in each.items()}] * count
    return [dict(given)] * count


def _language(kind: SchemaType, lenient: bool) -> Any:
    if kind is SchemaType.AVRO:
        from startrail.adapters.compatibility.avro_package import AvroPackage
        from startrail.capabilities.contracts.compatibility.avro import Avro

        return Avro(AvroPackage())
    if kind is SchemaType.PROTOBUF:
        from startrail.adapters.compatibility.protoc import Protoc
        from startrail.capabilities.contracts.compatibility.protobuf import Protobuf

        return Protobuf(Protoc(), lenient)
    if kind is SchemaType.ODCS:
        from startrail.capabilities.contracts.compatibility.odcs import Odcs

        return Odcs()
    from startrail.capabilities.contracts.compatibility.json_schema.language import JsonSchema

    return JsonSchema(lenient)
