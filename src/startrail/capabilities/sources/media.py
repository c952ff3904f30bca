"""What kind of file a delivery is: by declaration, by name, by its first bytes."""

from __future__ import annotations

from startrail.model.archive import archive_kind
from startrail.model.packing import packing, unpacked_name
from startrail.model.source import Format

_BY_SUFFIX: dict[str, Format] = {
    "csv": "csv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "json",
    "parquet": "parquet",
    "avro": "avro",
}
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
    return format + packing(head)


def _by_name(name: str) -> str:
    return _BY_SUFFIX.get(unpacked_name(name.partition("?")[0]).rpartition(".")[2], "unknown")
