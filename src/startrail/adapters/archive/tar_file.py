"""Tar archives (POSIX ustar and pax, GNU), read as a stream.

The library's reader keeps every header, and reads extended headers of any length into memory; here both are bounded.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

from startrail.model.archive import neutral_path
from startrail.ports.archive import Member

_BLOCK = 512
_CHUNK = 1 << 18
_LONGEST_HEADER = 1 << 20
_USED = (b"path", b"size")
_PAX = re.compile(rb"([0-9]{1,7}) ([^=\n]{1,200})=")


class TarDamaged(ValueError):
    """The message says how, as the end of a sentence about the archive."""


def tar_members(
    file: BinaryIO, count: Callable[[], None], wanted: Callable[[str], bool], passed: Callable[[str], None]
) -> Iterator[Member]:
    """See :class:`startrail.ports.archive.Unpacker`. Raises TarDamaged, EOFError and what reading the stream raises."""
    everywhere: dict[str, str] = {}
    here: dict[str, str] = {}
    while (info := _header(file)) is not None:
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            text = _text(_extension(file, info.size).rstrip(b"\0"))
            here |= {"path": text} if info.type == tarfile.GNUTYPE_LONGNAME else {}
            continue
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE):
            (everywhere if info.type == tarfile.XGLTYPE else here).update(_records(_extension(file, info.size)))
            continue
        count()
        said, here = everywhere | here, {}
        size = _size(said.get("size"), info)
        path = neutral_path(said.get("path", info.name))
        if not wanted(path) or info.type == tarfile.DIRTYPE:
            _skip(file, _padded(size) if _has_content(info) else 0)
        elif info.type not in tarfile.REGULAR_TYPES:
            passed(path)
            _skip(file, _padded(size) if _has_content(info) else 0)
        else:
            if info.type == tarfile.GNUTYPE_SPARSE or any(name.startswith("GNU.sparse") for name in said):
                raise TarDamaged(f"holds '{path}' as a sparse file, which is not read")
            content = _content(file, size)
            yield Member(path, content)
            for _ in content:  # what the caller left
                pass
            _skip(file, _padded(size) - size)


def _header(file: BinaryIO) -> tarfile.TarInfo | None:
    """None at the end mark."""
    block = _exactly(file, _BLOCK)
    if not block.strip(b"\0"):
        while file.read(_CHUNK):  # the rest must be there too: a checksum may stand at its end
            pass
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise TarDamaged(f"has a header that cannot be read: {error}") from error
    if info.size < 0:
        raise TarDamaged("has a header that cannot be read: a negative size")
    return info


def _has_content(info: tarfile.TarInfo) -> bool:
    return info.type not in (
        tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE
    )  # fmt: skip


def _size(said: str | None, info: tarfile.TarInfo) -> int:
    if said is None:
        return info.size
    if re.fullmatch(r"[0-9]{1,18}", said) is None:
        raise TarDamaged("has a header that cannot be read: a size that is no number")
    return int(said)


def _extension(file: BinaryIO, size: int) -> bytes:
    if size > _LONGEST_HEADER:
        raise TarDamaged(f"has a header of {size:,} bytes")
    data = _exactly(file, size)
    _skip(file, _padded(size) - size)
    return data


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """The key and value of each record of a pax header."""
    at = 0
    while at < len(data) and data[at]:
        match = _PAX.match(data, at)
        end = at + int(match[1]) if match is not None else 0
        if match is None or not match.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise TarDamaged("has an extended header that cannot be read")
        if match[2] in _USED or match[2].startswith(b"GNU.sparse"):
            yield _text(match[2]), _text(data[match.end() : end - 1])
        at = end


def _content(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        data = file.read(min(size, _CHUNK))
        if not data:
            raise EOFError
        size -= len(data)
        yield data


def _skip(file: BinaryIO, size: int) -> None:
    for _ in _content(file, size):
        pass


def _exactly(file: BinaryIO, size: int) -> bytes:
    return b"".join(_content(file, size))


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
