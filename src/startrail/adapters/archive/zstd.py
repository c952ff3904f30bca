"""zstd streams, as the standard library will read them one day."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

import pyarrow as pa

MAGIC = b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 18


class ZstdDamaged(ValueError):
    """The stream is no zstd, or not what was written."""


def open_zstd(file: BinaryIO) -> BinaryIO:
    """What is in the stream, also in several frames. Reading raises EOFError when it is cut off, and ZstdDamaged."""
    return cast("BinaryIO", io.BufferedReader(_Frames(file), _BUFFER))


class _Frames(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._source = _Source(file)
        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(self._source, "r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except OSError as error:
            if self._source.failed is not None:
                raise self._source.failed from error
            if "runcated" in str(error):
                raise EOFError("the zstd stream is cut off") from error
            raise ZstdDamaged(str(error)) from error
        buffer[: len(data)] = data
        return len(data)


class _Source:
    """Keeps apart what the file below says and what the decompressor does: both are OSErrors to the library."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failed: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except Exception as error:  # the decoder that reads here would tell it as damage
            self.failed = error
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        """The file is its opener's to close."""
