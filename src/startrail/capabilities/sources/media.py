"""What kind of file a delivery is: by declaration, by name, by its first bytes."""

from __future__ import annotations

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
_AVRO = b"Obj\x01"


def media_of(name: str, declared: Format | None, head: bytes) -> str:
    """``csv``, ``ndjson``, ``json``, ``parquet``, ``avro`` or ``unknown``, with ``+gzip`` when the bytes say so.

    The declared format wins over the name, but an Avro file says itself what it is.
    Compression is never taken from the name, since servers and people
    rename files without packing or unpacking them.
    """
    format = declared or ("avro" if head.startswith(_AVRO) else _by_name(name))
    return f"{format}+gzip" if head.startswith(_GZIP) else format


def _by_name(name: str) -> str:
    plain = name.partition("?")[0].lower().removesuffix(".gz")
    return _BY_SUFFIX.get(plain.rpartition(".")[2], "unknown")
