"""Zip archives, read file by file from their directory."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

from startrail.adapters.archive.counted import Count
from startrail.model.archive import neutral_path
from startrail.ports.archive import Member

_CHUNK = 1 << 18
_LARGEST_ENTRY, _LEAST_DIRECTORY = 512, 1 << 16
"""Bytes of the directory that so many files may take."""
_END, _END_BYTES, _LONGEST_COMMENT = b"PK\5\6", 22, 1 << 16
_LOCATOR_BYTES = 20
_ENCRYPTED = 0x1


class ZipDamaged(ValueError):
    """The message says how, as the end of a sentence about the archive."""


def zip_members(
    file: BinaryIO, count: Count, most: int, wanted: Callable[[str], bool], passed: Callable[[str], None]
) -> Iterator[Member]:
    """See :class:`startrail.ports.archive.Unpacker`. Raises ZipDamaged, and what the library raises."""
    _check_directory(file, count, most)
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            count.file()
            path = neutral_path(info.orig_filename.replace("\\", "/"))  # `filename` ends at a NUL
            if info.is_dir() or not wanted(path):
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                passed(path)
                continue
            if info.flag_bits & _ENCRYPTED:
                raise ZipDamaged(f"holds '{path}' encrypted, and there is no password for it")
            content = _content(archive, info, count)
            yield Member(path, content)
            for _ in content:  # what the caller left: the checksum stands at the end
                pass


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, count: Count) -> Iterator[bytes]:
    with archive.open(info) as member:
        read = 0
        while data := member.read(_CHUNK):
            read += len(data)
            count.out(len(data))
            yield data
    if read != info.file_size:
        raise EOFError


def _check_directory(file: BinaryIO, count: Count, most: int) -> None:
    """The library reads the whole directory into memory, and makes an object of each entry."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT))
    tail = file.read(_END_BYTES + _LONGEST_COMMENT)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise ZipDamaged("has no directory at its end: it is cut off, or no zip file")
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if at >= _LOCATOR_BYTES and tail[at - _LOCATOR_BYTES :].startswith(b"PK\6\7"):
        (place,) = struct.unpack_from("<Q", tail, at - _LOCATOR_BYTES + 8)
        file.seek(min(place, size))
        record = file.read(56)
        if record.startswith(b"PK\6\6") and len(record) == 56:
            (directory,) = struct.unpack_from("<Q", record, 40)
    if directory > most * _LARGEST_ENTRY + _LEAST_DIRECTORY:
        raise count.too_many()
    file.seek(0)
