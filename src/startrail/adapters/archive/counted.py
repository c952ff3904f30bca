"""Bytes that come out of an archive, counted against its bounds."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

from startrail.base.units import show_size
from startrail.ports.archive import ArchiveTooLarge, Bounds

_HARMLESS = 64 << 20
"""Bytes out that are never too many for their archive, however small that is."""


class Count:
    """Of one archive of ``packed`` bytes."""

    def __init__(self, name: str, packed: int, bounds: Bounds) -> None:
        self._name, self._packed, self._bounds = name, packed, bounds
        self._out = 0
        self._files = 0

    def file(self) -> None:
        """One more entry, whatever it is. Raises ArchiveTooLarge."""
        self._files += 1
        if self._files > self._bounds.files:
            raise self.too_many()

    def too_many(self) -> ArchiveTooLarge:
        """There are more entries than may be."""
        return self._too_large(f"holds more than {self._bounds.files:,} files", "files")

    def out(self, size: int) -> None:
        """So many more bytes were unpacked. Raises ArchiveTooLarge."""
        self._out += size
        if self._out > self._bounds.size:
            raise self._too_large(f"unpacks to more than {show_size(self._bounds.size)}", "size")
        if self._out > _HARMLESS and self._out > self._bounds.ratio * self._packed:
            told = f"unpacks to more than {self._bounds.ratio} times its own {show_size(self._packed)}"
            raise self._too_large(told, "ratio")

    def over(self, file: BinaryIO) -> BinaryIO:
        """The same stream, with all that is read from it counted."""
        return cast("BinaryIO", io.BufferedReader(_Counted(file, self)))

    def _too_large(self, what: str, setting: str) -> ArchiveTooLarge:
        return ArchiveTooLarge(
            f"the archive '{self._name}' {what}",
            affects="nothing of it is loaded",
            hint=f"if it is as it should be, raise `{setting}` under `archive` in the source",
        )


class _Counted(io.RawIOBase):
    def __init__(self, file: BinaryIO, count: Count) -> None:
        self._file, self._count = file, count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self._count.out(len(data))
        buffer[: len(data)] = data
        return len(data)
