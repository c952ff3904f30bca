"""``startrail.compatible`` and ``startrail contract check``: which reader and which rules serve a schema language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from startrail.base.text import did_you_mean, printable
from startrail.ports.compatibility import (
    MAX_BYTES,
    Incompatibility,
    Mode,
    Refs,
    SchemaFileUnreadable,
    SchemaType,
    UnknownMode,
    UnknownSchemaType,
    refuse_large,
)

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

    Raises SchemaUnreadable (ST350), ReferenceMissing (ST351), SchemaTooLarge (ST352), SchemaReaderMissing (ST353),
    UnknownMode (ST354).
    """
    from startrail.capabilities.contracts.compatibility.check import check

    chosen = _word(Mode, mode, "mode")
    language = _language(_word(SchemaType, schema_type, "schema type"), lenient)
    texts = [old] if isinstance(old, str) else list(old)
    return check(language, list(zip(texts, _each(old_refs, len(texts)), strict=True)), (new, _each(new_refs, 1)[0]), chosen)


def read_schema(path: Path) -> str:
    """A file's text. Raises SchemaFileUnreadable, SchemaTooLarge."""
    try:
        if not path.is_file():
            missing = "is no plain file" if path.exists() else "is not there"
            raise SchemaFileUnreadable(f"{printable(str(path))} {missing}", hint="name a schema file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise SchemaFileUnreadable(f"{printable(str(path))} cannot be read: {reason}", hint="check its permissions") from None
    if len(data) > MAX_BYTES:
        refuse_large(data.decode("latin-1"), printable(str(path)))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SchemaFileUnreadable(f"{printable(str(path))} is not UTF-8 text", hint="save it as UTF-8") from None


def infer_type(files: Sequence[tuple[Path, str]]) -> str:
    """The one language of all files, from their names and what they say. Raises UnknownSchemaType."""
    kinds = {path: _kind(path.name.lower(), text) for path, text in files}
    for path, kind in kinds.items():
        if kind is None:
            raise UnknownSchemaType(
                f"{printable(str(path))} does not tell what language it is in", hint="add --type AVRO, JSON, ..."
            )
    words = sorted({kind for kind in kinds.values() if kind is not None})
    if len(words) > 1:
        raise UnknownSchemaType(
            f"the files are in different languages: {', '.join(words)}", hint="compare like with like, or add --type"
        )
    return words[0]


def _kind(name: str, text: str) -> str | None:
    for endings, kind in (((".avsc", ".avro.json"), "AVRO"), ((".proto",), "PROTOBUF"), ((".odcs.yml", ".odcs.yaml"), "ODCS")):
        if name.endswith(endings):
            return kind
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if re.search(r"^\s*(syntax|edition)\s*=|^\s*message\s+\w+\s*\{", text, re.MULTILINE):
            return "PROTOBUF"
        return "ODCS" if re.search(r"^kind\s*:\s*['\"]?DataContract", text, re.MULTILINE) else None
    if name.endswith(".schema.json") or isinstance(value, bool) or (isinstance(value, dict) and "$schema" in value):
        return "JSON"
    if isinstance(value, list | str) or (
        isinstance(value, dict) and value.get("type") in _AVRO_TYPES and _AVRO_KEYS & value.keys()
    ):
        return "AVRO"
    if isinstance(value, dict) and value.get("kind") == "DataContract":
        return "ODCS"
    return "JSON" if isinstance(value, dict) else None


_AVRO_TYPES = ("record", "enum", "fixed", "array", "map")
_AVRO_KEYS = {"fields", "symbols", "size", "values"}


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
