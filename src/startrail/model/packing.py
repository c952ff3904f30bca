"""How one file is compressed."""

from __future__ import annotations

_MARKS = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}
_SUFFIXES = (".gz", ".zst")


def packing(head: bytes) -> str:
    """``+gzip`` or ``+zstd``, which is how a media ends, or nothing; by the first bytes of the file."""
    return next((packed for mark, packed in _MARKS.items() if head.startswith(mark)), "")


def unpacked_name(name: str) -> str:
    """A file's name in small letters and without what says how it is compressed."""
    lower = name.lower()
    return next((lower.removesuffix(suffix) for suffix in _SUFFIXES if lower.endswith(suffix)), lower)
