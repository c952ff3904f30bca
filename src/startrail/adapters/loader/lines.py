"""The bytes of a CSV file as UTF-8: whole lines at a time for the quick reader, one by one for the strict one."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal

from startrail.adapters.loader.blocks import BLOCK

_BOM = codecs.BOM_UTF8
Encoding = Literal["utf-8", "latin-1", "utf-16"]


class Lines(Iterator[str]):
    """A place in the file. :meth:`chunk` looks at what comes next, :meth:`pass_over` goes on without it, iteration goes
    on by one line. A line ends with ``\\n``, ``\\r\\n`` or ``\\r``. Bytes that are not UTF-8 become lone surrogates, as
    Python's ``surrogateescape`` has it; raises UnicodeError for what is not UTF-16."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._more = _utf8(file, encoding)
        self._data = self._more(BLOCK).removeprefix(_BOM if encoding == "utf-8" else b"")
        self._at = 0
        self._before = 0
        self._end = False

    @property
    def place(self) -> int:
        """Bytes, as UTF-8, that were read or passed over."""
        return self._before + self._at

    def __next__(self) -> str:
        stop = self._line_end()
        if stop == self._at:
            raise StopIteration
        line = self._data[self._at : stop]
        self._at = stop
        return line.decode(errors="surrogateescape")

    def chunk(self, size: int = BLOCK) -> bytes:
        """About ``size`` bytes of lines that end with ``\\n``; nothing where no further such line begins."""
        stop = self._data.rfind(b"\n", self._at) + 1
        if stop - self._at < size // 2:
            self._refill(size)
            stop = self._data.rfind(b"\n", self._at) + 1
        return self._data[self._at : stop] if stop > self._at else b""

    def pass_over(self, size: int) -> None:
        self._at += size

    def _line_end(self) -> int:
        """Past the end of the line that begins here."""
        seen = self._at
        while True:
            found = self._data.find(b"\n", seen)
            cut = self._data.find(b"\r", seen, found if found >= 0 else len(self._data))
            if cut >= 0 and (cut + 1 < len(self._data) or self._end):
                return cut + 1 + (self._data[cut + 1 : cut + 2] == b"\n")
            if found >= 0 and cut < 0:
                return found + 1
            if self._end:
                return len(self._data)
            seen = (cut if cut >= 0 else len(self._data)) - self._at
            self._refill(max(BLOCK, len(self._data) - self._at))
            seen += self._at

    def _refill(self, size: int) -> None:
        """More bytes behind those that are left. Doubling ``size`` with what is left keeps long lines linear."""
        if self._end:
            return
        more = self._more(size)
        self._end = not more
        self._data = self._data[self._at :] + more
        self._before += self._at
        self._at = 0


def _utf8(file: BinaryIO, encoding: Encoding) -> Callable[[int], bytes]:
    """Reads so many bytes of the file or fewer, none only at its end, and returns them as UTF-8."""
    if encoding == "utf-8":
        return file.read
    if encoding == "latin-1":
        return lambda size: file.read(size).decode("latin-1").encode()
    decoder = codecs.getincrementaldecoder(encoding)()

    def read(size: int) -> bytes:
        while data := file.read(size):
            if text := decoder.decode(data):
                return text.encode()
        return decoder.decode(b"", True).encode()

    return read
