"""DuckDB's errors in our words, with the place in the user's text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import duckdb

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.base.text import printable
from startrail.base.units import show_size
from startrail.ports.warehouse import (
    DoesNotBind,
    EngineFailed,
    LossyColumn,
    NoSpace,
    NotAllowed,
    OutOfMemory,
    QueryFailed,
    UnreadableData,
)

LOSSY = "startrail:lossy:"
"""Begins the message of error() calls in generated SQL; then column, types and an example, separated by tabs."""

_BINDING = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
)
_FULL = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "failed to offload data block",
    "max_temp_directory_size",
    "disk is full",
)


class Place(NamedTuple):
    """A text of the user's, where it stands in the user's files, and where it begins in what the engine sees."""

    sql: str
    path: str | None = None
    first_line: int = 1
    before: int = 0
    """Bytes of generated text before it; negative when the engine sees only what stands after so many bytes of it."""

    def span(self, position: int | None) -> Span | None:
        """The place in the user's file of a byte that the engine named; where its text begins when it named none."""
        if self.path is None:
            return None
        data = self.sql.encode()
        offset = -self.before if position is None else position - self.before
        if not 0 <= offset <= len(data):
            return Span(self.path, self.first_line, 1)
        if position is None:
            offset += len(data[offset:]) - len(data[offset:].lstrip())
        shown = data[:offset].decode(errors="ignore")
        return Span(self.path, self.first_line + shown.count("\n"), len(shown) - (shown.rfind("\n") + 1) + 1)


@contextmanager
def translated(place: Place, *, memory: int, files: Mapping[str, str] | None = None) -> Iterator[None]:
    """Raise DuckDB's errors as ours. ``files``: what each file of the call's scratch folder is in the store."""
    try:
        yield
    except duckdb.Error as error:
        raise _translate(error, place, memory, files or {}) from None


def _translate(error: duckdb.Error, place: Place, memory: int, files: Mapping[str, str]) -> StartrailError:
    message, position, candidates = _parts(error)
    at = place.span(position)
    if any(words in message for words in _FULL):
        return NoSpace("the disk is full while the engine works", affects="this step", hint="free space, then run again")
    if isinstance(error, duckdb.OutOfMemoryException):
        return OutOfMemory(
            f"the engine needs more than the {show_size(memory)} it may use",
            at=at,
            hint="raise warehouse: {memory: ...} of the profile in startrail.yml, or build smaller partitions",
        )
    if message.startswith(LOSSY):
        column, source, target, example = message.removeprefix(LOSSY).split("\t", 3)
        return LossyColumn(
            f"column '{column}' has the value {printable(example, 60)} ({source}), which does not fit {target} without loss",
            at=at,
            hint=f"convert it in the SQL (cast, round), or declare another type for '{column}' in the header",
        )
    if isinstance(error, duckdb.PermissionException):
        return NotAllowed(
            "the SQL reaches for something outside the tables it was given", at=at, hint="declare a source for outside data"
        )
    for path, key in files.items():
        if path in message:
            return UnreadableData(
                f"the data file {key} cannot be read: {printable(message.replace(path, key))}",
                hint="restore the file from a backup, or rebuild the table with startrail backfill",
            )
    if isinstance(error, _BINDING):
        return DoesNotBind(_sentence(message), at=at, hint=_nearest(message, candidates) or "mend the SQL at this place")
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.IOException | duckdb.ConnectionException):
        return EngineFailed(f"the engine failed: {_sentence(message)}", hint="run again")
    return QueryFailed(_sentence(message), at=at, hint="try_cast turns what cannot be converted into NULL")


def _parts(error: duckdb.Error) -> tuple[str, int | None, str]:
    """Message, byte position and candidates; errors come as JSON after the family's name."""
    text = str(error)
    start = text.find("{")
    if start >= 0:
        try:
            found = json.loads(text[start:])
        except ValueError:
            return text, None, ""
        position = found.get("position")
        return (
            str(found.get("exception_message", text)),
            int(position) if position is not None else None,
            str(found.get("candidates") or ""),
        )
    return text, None, ""


def _sentence(message: str) -> str:
    """The engine's first line; the rest is lists of candidates."""
    return printable(message.split("\n")[0].strip(), 300)


def _nearest(message: str, candidates: str) -> str:
    names = [name.strip() for name in candidates.split(",") if name.strip()]
    if "Did you mean" in message and names:
        return f"did you mean '{printable(names[0])}'?"
    return "there are: " + printable(", ".join(names[:8])) if names else ""
