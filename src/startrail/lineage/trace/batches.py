"""T-SQL without semicolons: where one statement ends and the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot.tokens import Token, TokenType

_BEGIN = {
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "CREATE",
    "WITH",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "DECLARE",
    "SET",
    "PRINT",
}
"""Words that may begin a statement at the begin of a line. Some of them also go on with one, as SELECT after INSERT."""
_NO_QUERY = {"DECLARE", "PRINT", "SET"}
"""Statements that the parser takes for anything up to the end, and that hold no query of tables."""
_MOST = 200


def cut(tokens: Sequence[Token], parses: Callable[[list[Token]], bool]) -> list[list[Token]] | None:
    """The statements in a piece that is none as a whole; None when some part of it is no statement either.

    From each begin the longest part that parses and ends before a word that may begin a statement.
    """
    starts = _starts(tokens)
    if not 1 < len(starts) <= _MOST or starts[0] != 0:
        return None
    ends = [*starts[1:], len(tokens)]
    found: list[list[Token]] = []
    at = 0
    while at < len(tokens):
        later = [end for end in ends if end > at]
        if tokens[at].text.upper() in _NO_QUERY:
            end: int | None = later[0]
        else:
            end = next((end for end in reversed(later) if parses(list(tokens[at:end]))), None)
        if end is None:
            return None
        found.append(list(tokens[at:end]))
        at = end
    return found


def _starts(tokens: Sequence[Token]) -> list[int]:
    found, depth = [], 0
    for place, token in enumerate(tokens):
        first = place == 0 or tokens[place - 1].line < token.line
        if depth == 0 and first and token.text.upper() in _BEGIN:
            found.append(place)
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
    return found
