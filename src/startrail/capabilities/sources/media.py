"""What kind of file a delivery is: by declaration, by name, by its first bytes."""

from __future__ import annotations

from startrail.model.archive import archive_kind
from startrail.model.source import Format

_BY_SUFFIX: dict[str, Format] = {
    "csv": "csv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "json",
    "parquet": "parquet",
    "avro": "avro",
}
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_AVRO = b"Obj\x01"


def media_of(name: str, declared: Format | None, head: bytes) -> str:
    """``csv``, ``ndjson``, ``json``, ``parquet``, ``avro`` or ``unknown``, with ``+gzip`` or ``+zstd`` when the bytes say so;
    of an archive ``zip`` or ``tar``.

    The declared format wins over the name, but an Avro file says itself what it is, and a name that says archive wins over the
    format, which is then that of the files within. Compression is never taken from the name, since servers and people rename
    files without packing or unpacking them.
    """
    archive = archive_kind(name)
    if archive is not None:
        return archive
    format = declared or ("avro" if head.startswith(_AVRO) else _by_name(name))
    packed = "+gzip" if head.startswith(_GZIP) else "+zstd" if head.startswith(_ZSTD) else ""
    return format + packed


def _by_name(name: str) -> str:
    plain = name.partition("?")[0].lower().removesuffix(".gz").removesuffix(".zst")
    return _BY_SUFFIX.get(plain.rpartition(".")[2], "unknown")
