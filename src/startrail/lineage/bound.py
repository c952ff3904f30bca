"""A SELECT with the values of its parameters in their places, so that it can stand inside other SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

import sqlglot
from sqlglot.tokens import Token

from startrail.lineage.syntax import Text, without_comments


def bound(sql: str, values: Mapping[str, str | datetime], *, dialect: str = "duckdb") -> str:
    """The text as it is written, without comments and a last semicolon, and with ``$name`` replaced by its value.

    Only these places change: no other word goes through the parser's own way of writing SQL.
    """
    bare = without_comments(Text(sql, "", 1))
    tokens = sqlglot.tokenize(bare, dialect=dialect)
    while tokens and tokens[-1].text == ";":
        bare = bare[: tokens.pop().start]
    pieces: list[str] = []
    at = 0
    for mark, word in pairwise(tokens):
        if _is_place(mark, word) and word.text.lower() in values:
            pieces += [bare[at : mark.start], _literal(values[word.text.lower()])]
            at = word.end + 1
    return "".join(pieces) + bare[at:]


def _is_place(mark: Token, word: Token) -> bool:
    return mark.text == "$" and mark.end + 1 == word.start


def _literal(value: str | datetime) -> str:
    if isinstance(value, datetime):
        return f"CAST('{value.isoformat(' ', 'microseconds')}' AS TIMESTAMP)"
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
