"""``.proto`` files compiled by the protoc of ``grpcio-tools``, in a folder of their own and a process of their own."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from startrail.base.text import printable
from startrail.ports.compatibility import (
    ProtoEnum,
    ProtoField,
    ProtoMessage,
    ProtoSchema,
    ReferenceMissing,
    Refs,
    SchemaReaderMissing,
    SchemaTooLarge,
    SchemaUnreadable,
    refuse_large,
)

try:
    import grpc_tools
    from google.protobuf import descriptor_pb2
except ImportError:
    raise SchemaReaderMissing("protoc is not installed", hint="pip install 'startrail[registry]'") from None

_SECONDS = 60
_MAX_FILES = 500
_ROOT = "startrail_schema.proto"
_NAME = re.compile(r"[A-Za-z0-9_\-]+(?:[./][A-Za-z0-9_\-]+)*\.proto")
_MISSING = re.compile(r'(?:Import "(?P<file>[^"]+)" was not found|(?P<other>[^\s:]+): File not found)')
_Field = descriptor_pb2.FieldDescriptorProto
_LEGACY_REQUIRED = 3


class Protoc:
    """The port's ``ProtoReader``."""

    def read(self, text: str, refs: Refs) -> ProtoSchema:
        """Raises SchemaUnreadable, ReferenceMissing, SchemaTooLarge."""
        if len(refs) > _MAX_FILES:
            raise SchemaTooLarge(f"{len(refs)} references are too many", hint=f"at most {_MAX_FILES} files are compiled")
        for name, each in {_ROOT: text, **refs}.items():
            refuse_large(each, f"'{printable(name, 80)}'")
            if not _NAME.fullmatch(name):
                raise SchemaUnreadable(
                    f"'{printable(name, 80)}' is no name for a reference",
                    hint="use the path that import names, such as shop/money.proto",
                )
        with tempfile.TemporaryDirectory(prefix="startrail-proto-") as folder:
            try:
                return _schema(_compiled(Path(folder), {**refs, _ROOT: text}))
            except OSError as error:
                reason = (error.strerror or type(error).__name__).lower()
                raise SchemaUnreadable(f"the references cannot be laid out as files: {reason}", hint="mend their names") from None


def _compiled(folder: Path, files: dict[str, str]) -> Any:
    """Imports are looked up in ``folder`` and among the well-known files only; protoc itself refuses ``..`` and ``/``."""
    source, out = folder / "in", folder / "out.bin"
    for name, text in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
    command = [
        sys.executable, "-I", "-c", "import sys; from grpc_tools import protoc; sys.exit(protoc.main(sys.argv))",
        f"--proto_path={source}", f"--proto_path={_well_known()}", f"--descriptor_set_out={out}", "--include_imports", _ROOT,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS, check=False, env={})  # noqa: S603
    except subprocess.TimeoutExpired:
        raise SchemaTooLarge(f"protoc did not finish within {_SECONDS} s", hint="split the schema") from None
    if done.returncode != 0 or not out.exists():
        raise _refused(done.stderr.decode("utf-8", "replace"))
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def _well_known() -> Path:
    return Path(next(iter(grpc_tools.__path__))) / "_proto"


def _refused(said: str) -> SchemaUnreadable | ReferenceMissing:
    lines = [line.rpartition(f"{_ROOT}:")[2] for line in said.splitlines() if ".proto:" in line and "warning:" not in line]
    lines = lines or said.splitlines()[-1:]
    missing = _MISSING.search(said)
    if missing is not None:
        name = missing["file"] or missing["other"]
        return ReferenceMissing(
            f"the schema imports '{printable(name, 120)}', which was not given",
            hint="give its text as a reference under that name",
        )
    return SchemaUnreadable(f"protoc refuses the schema: {printable('; '.join(lines[:3]), 300)}", hint="mend the text")


def _schema(files: Any) -> ProtoSchema:
    messages: dict[str, ProtoMessage] = {}
    enums: dict[str, ProtoEnum] = {}
    own: list[str] = []
    package = ""
    for file in files.file:
        before = set(messages) | set(enums)
        scope = f".{file.package}" if file.package else ""
        proto2 = file.syntax in ("", "proto2")
        for message in file.message_type:
            _message(message, scope, file, proto2, messages, enums)
        for enum in file.enum_type:
            enums[f"{scope}.{enum.name}".lstrip(".")] = _enum(enum, file, proto2)
        if file.name == _ROOT:
            package = file.package
            own = [name for name in (*messages, *enums) if name not in before]
    return ProtoSchema(package, messages, enums, tuple(own))


def _message(
    message: Any, scope: str, file: Any, proto2: bool, messages: dict[str, ProtoMessage], enums: dict[str, ProtoEnum]
) -> None:
    name = f"{scope}.{message.name}"
    messages[name.lstrip(".")] = ProtoMessage(
        name.lstrip("."),
        tuple(_field(field, message, file) for field in message.field),
        reserved=tuple((each.start, each.end - 1) for each in message.reserved_range),
        reserved_names=tuple(message.reserved_name),
        map_entry=message.options.map_entry,
        extensions=tuple((each.start, each.end - 1) for each in message.extension_range),
    )
    for inner in message.nested_type:
        _message(inner, name, file, proto2, messages, enums)
    for enum in message.enum_type:
        enums[f"{name}.{enum.name}".lstrip(".")] = _enum(enum, file, proto2)


def _field(field: Any, message: Any, file: Any) -> ProtoField:
    in_oneof = field.HasField("oneof_index") and not field.proto3_optional
    required = field.label == _Field.LABEL_REQUIRED or _presence(field, file) == _LEGACY_REQUIRED
    label = "required" if required else "repeated" if field.label == _Field.LABEL_REPEATED else "optional"
    return ProtoField(
        field.name,
        field.number,
        _Field.Type.Name(field.type).removeprefix("TYPE_").lower(),
        label,
        named=field.type_name.lstrip("."),
        oneof=message.oneof_decl[field.oneof_index].name if in_oneof else None,
        json_name=field.json_name,
    )


def _presence(field: Any, file: Any) -> int:
    """Of editions: the field's own word, or the file's."""
    if file.syntax != "editions":
        return 0
    own = field.options.features
    return own.field_presence if own.HasField("field_presence") else file.options.features.field_presence


def _enum(enum: Any, file: Any, proto2: bool) -> ProtoEnum:
    closed = proto2
    if file.syntax == "editions":
        features = enum.options.features if enum.options.features.HasField("enum_type") else file.options.features
        closed = features.enum_type == 2
    return ProtoEnum(
        enum.name,
        tuple((value.name, value.number) for value in enum.value),
        tuple((each.start, each.end) for each in enum.reserved_range),
        closed,
    )
