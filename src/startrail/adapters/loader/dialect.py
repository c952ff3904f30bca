"""Signs that a CSV file is written in another dialect than declared. They are told, never acted upon."""

from __future__ import annotations

from collections.abc import Sequence

from startrail.adapters.loader.blocks import Unreadable
from startrail.adapters.loader.shape import listed
from startrail.model.contract import Contract
from startrail.model.names import Names
from startrail.model.source import Dialect

_DELIMITERS = ",;\t|"
_QUOTES = "'\"`"
_FOREIGN = ("\udcff\udcfe", "\udcfe\udcff", "\xef\xbb\xbf")
"""Marks of UTF-16 where UTF-8 is declared, and of UTF-8 where Latin-1 is."""


def check_header(names: Sequence[str], contract: Contract, dialect: Dialect) -> None:
    """Raises Unreadable when the header would name the declared columns in another dialect."""
    if names and (names[0].startswith(_FOREIGN) or any("\0" in name for name in names)):
        raise Unreadable(
            f"the file is not {dialect.encoding} text: it begins with the mark of another encoding", "other_encoding"
        )
    known = Names(contract)
    if any(known.may_mean(name) for name in names):
        return
    must = [field.name for field in contract.fields if field.required or field.name in contract.primary_key]
    lost = f"; required columns are missing: {listed(must)}" if must else ""
    for quote in _others(_QUOTES, dialect.quote):
        if any(known.may_mean(name.strip(quote)) for name in names if _wrapped(name, quote)):
            raise Unreadable(f"the header is quoted with {quote}, not with {dialect.quote}{lost}", "other_quote")
    for other in _others(_DELIMITERS, dialect.delimiter):
        parts = [part.strip(" " + _QUOTES) for name in names for part in name.split(other)]
        if len(parts) > len(names) and any(map(known.may_mean, parts)):
            raise Unreadable(f"the header has {other!r} between its columns, not {dialect.delimiter!r}{lost}", "other_delimiter")


def check_rows(rows: Sequence[list[str]], raws: Sequence[bytes], names: Sequence[str], dialect: Dialect) -> None:
    """Raises Unreadable when the first rows look as if written in another dialect."""
    if not dialect.header:
        _check_no_header(rows, raws, names, dialect)
    for column in range(len(names)):
        values = [row[column] for row in rows if len(row) == len(names) and row[column]]
        for quote in _others(_QUOTES, dialect.quote):
            if len(values) > 1 and all(_wrapped(value, quote) for value in values):
                reason = f"the values of {names[column]} are quoted with {quote}, not with {dialect.quote}"
                raise Unreadable(reason, "other_quote")


def _check_no_header(rows: Sequence[list[str]], raws: Sequence[bytes], names: Sequence[str], dialect: Dialect) -> None:
    if rows and set(rows[0]) & set(names) and set(rows[0]) >= set(names):
        raise Unreadable("the first line names the columns, where the source declares a file without header", "column_order")
    if any(len(row) == len(names) for row in rows):
        return
    for other in _others(_DELIMITERS, dialect.delimiter):
        if all(raw.count(other.encode()) == len(names) - 1 for raw in raws):
            raise Unreadable(f"the lines have {other!r} between their values, not {dialect.delimiter!r}", "other_delimiter")


def is_utf8(text: str) -> bool:
    """Whether text that was read as Latin-1 is UTF-8 just as well, which no real Latin-1 text is by chance."""
    try:
        text.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True


def _others(known: str, declared: str) -> str:
    return known.replace(declared, "")


def _wrapped(value: str, quote: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] == quote
