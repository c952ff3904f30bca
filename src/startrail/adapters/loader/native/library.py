"""The native reader's library: where it is, whether it is ours, and its functions."""

from __future__ import annotations

import os
from ctypes import (
    CDLL,
    POINTER,
    Structure,
    addressof,
    byref,
    c_char,
    c_char_p,
    c_int,
    c_int64,
    c_size_t,
    c_void_p,
    cast,
    create_string_buffer,
)
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from startrail.base.errors import ResourceError

Reader = Literal["auto", "msgspec", "native"]
CHOICE = "STARTRAIL_READER"
PLACE = "STARTRAIL_NATIVE"
ABI = 3
"""Of the functions below; goes up with each change of them or of what they are given."""
_BUILT = Path(__file__).parents[5] / "native" / "build" / "libstartrail_native.so"


class ReaderMissing(ResourceError):
    """The native reader was asked for and cannot be used.

    Build it with `make native` in a source checkout (it takes a C++ compiler and simdjson, in Debian `g++` and
    `libsimdjson-dev`), say in `STARTRAIL_NATIVE` where the library is, or leave out `STARTRAIL_READER`: the built-in
    reader gives the same answers, only slower.
    """

    code = "ST660"


class UnknownReader(ResourceError):
    """`STARTRAIL_READER` names no reader.

    Set it to `msgspec` or `native`, or leave it out to have the native one where it is built.
    """

    code = "ST661"


class RefusedLine(Structure):
    """``ordinal`` counts from 1 in its batch, ``line`` from 0; ``offset`` and ``size`` are bytes. ``doubts`` fields of it,
    from ``doubt`` on, are doubtful, and stand in so many bytes of ``text``; -1: it was not taken apart."""

    _fields_ = [(name, c_int64) for name in ("ordinal", "offset", "size", "line", "doubts", "doubt", "text", "text_size")]


class CertainLines(Structure):
    """So many bytes of lines of CSV, some of them blank, that certainly are one record each."""

    bytes: int
    lines: int
    records: int
    _fields_ = [(name, c_int64) for name in ("bytes", "lines", "records")]


class KeptField(Structure):
    """An undeclared field: in how many records, and in which first, with which name and value. One inside an object has its
    path in ``paths`` for a name, and -1 for the size of its value."""

    rows: int
    ordinal: int
    name: int
    name_size: int
    value: int
    value_size: int
    _fields_ = [(name, c_int64) for name in ("rows", "ordinal", "name", "name_size", "value", "value_size")]


class ArrowSchema(Structure):
    """Of the Arrow C data interface; only its size and its release are ours to know."""

    _fields_ = [(f"f{index}", c_void_p) for index in range(9)]


class ArrowStream(Structure):
    """Likewise."""

    _fields_ = [(f"f{index}", c_void_p) for index in range(5)]


class Chosen(msgspec.Struct, frozen=True):
    """``library`` None: the built-in reader; ``reader`` says so for people."""

    reader: str
    library: Any = None


def choose(wanted: str | None = None) -> Chosen:
    """The reader for JSON records: what was asked for here or in ``STARTRAIL_READER``, else the native one where it is.

    Raises UnknownReader (ST661) and ReaderMissing (ST660).
    """
    wanted = wanted or os.environ.get(CHOICE) or "auto"
    if wanted not in get_args(Reader):
        raise UnknownReader(f"there is no reader '{wanted}'", hint=f"set {CHOICE} to msgspec or native, or leave it out")
    if wanted == "msgspec":
        return Chosen("msgspec")
    place = Path(os.environ.get(PLACE) or _BUILT)
    if not place.is_file():
        if wanted == "native":
            raise ReaderMissing(f"the native reader is not built: there is no {place}", hint=f"make native, or unset {CHOICE}")
        return Chosen("msgspec")
    library = _load(str(place), place.stat().st_mtime_ns)
    if not isinstance(library, str):
        return Chosen("native", library)
    if wanted == "native":
        raise ReaderMissing(library, hint="build it again with make native")
    return Chosen(f"msgspec ({library})")


@lru_cache(maxsize=8)
def _load(place: str, changed: int) -> CDLL | str:  # noqa: ARG001 -- a library that was built again is looked at again
    """The library, or why it cannot be used."""
    try:
        library = CDLL(place)
        found = library.startrail_abi()
        if found != ABI:
            return f"the native reader is of another version: {found}, not {ABI}"
        _declare(library)
    except (OSError, AttributeError) as error:
        return f"the native reader does not load: {error}"
    return library


def _declare(library: CDLL) -> None:
    handle, text, size = c_void_p, c_char_p, c_size_t
    for name, result, arguments in (
        ("processor", text, ()),
        ("open", handle, (text, size, text, size)),
        ("close", None, (handle,)),
        ("certain", None, (handle, size, c_char, c_char, POINTER(CertainLines))),
        ("read", handle, (handle, handle, size, POINTER(size))),
        ("records", c_int64, (handle,)),
        ("lines", c_int64, (handle,)),
        ("utf8", c_int, (handle, size)),
        ("number", None, (handle, handle)),
        ("refused", size, (handle, POINTER(POINTER(RefusedLine)))),
        ("doubts", size, (handle, POINTER(POINTER(c_int64)), POINTER(c_void_p), POINTER(size))),
        ("kept", size, (handle, POINTER(POINTER(KeptField)))),
        ("paths", c_void_p, (handle,)),
        ("defaulted", size, (handle, POINTER(POINTER(c_int64)))),
        ("forget", None, (handle,)),
        ("seen", handle, (handle,)),
        ("repeated", c_int64, (handle, handle, POINTER(POINTER(RefusedLine)))),
        ("distinct", c_int, (handle,)),
        ("unsee", None, (handle,)),
        ("queue", handle, (handle, size)),
        ("stream", None, (handle, POINTER(ArrowStream))),
        ("schema", None, (handle, POINTER(ArrowSchema))),
        ("drop_stream", None, (POINTER(ArrowStream),)),
        ("drop_schema", None, (POINTER(ArrowSchema),)),
        ("push", c_int, (handle, handle, c_int64, c_int)),
        ("end", None, (handle, text)),
        ("leave", None, (handle,)),
    ):
        function = getattr(library, f"startrail_{name}")
        function.restype = result
        function.argtypes = arguments


def processor(library: CDLL) -> str:
    """The set of instructions that was chosen for this machine."""
    return library.startrail_processor().decode()


def opened_plan(library: CDLL, plan: bytes) -> int:
    """A handle of a reader for this plan. Raises ReaderMissing for a plan that the library does not understand."""
    error = create_string_buffer(200)
    handle = library.startrail_open(plan, len(plan), error, len(error))
    if not handle:
        raise ReaderMissing(f"the native reader refuses its plan: {error.value.decode()}", hint=f"set {CHOICE}=msgspec")
    return handle


def address_of(data: bytes | bytearray) -> int:
    """Where the bytes stand, as long as they are kept."""
    if isinstance(data, bytearray):
        return addressof(c_char.from_buffer(data))
    return cast(c_char_p(data), c_void_p).value or 0


def is_utf8(library: CDLL, data: bytes) -> bool:
    return bool(library.startrail_utf8(address_of(data), len(data)))


def certain_lines(library: CDLL, address: int, size: int, delimiter: bytes, quote: bytes) -> CertainLines:
    """How far the whole lines of CSV at ``address`` certainly are one record each."""
    found = CertainLines()
    library.startrail_certain(address, size, delimiter, quote, byref(found))
    return found


def lines_taken(library: CDLL, handle: int, address: int, size: int) -> tuple[int, int]:
    """A batch's handle, and how many bytes of the lines at ``address`` it took."""
    taken = c_size_t()
    batch = library.startrail_read(handle, address, size, byref(taken))
    if not batch:
        raise MemoryError("the native reader has no memory for a batch")
    return batch, taken.value
