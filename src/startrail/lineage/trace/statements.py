"""From text to statements: split first, so that one that cannot be parsed does not take the others with it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from startrail.base.text import printable
from startrail.lineage.trace.batches import cut
from startrail.model.lineage import NotAnalysed

# It warns on the terminal when it falls back to an opaque command; such commands are reported here.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

DEEP = "it is nested too deeply to be analysed"
_LONG = 2000
_CONSTANTS = {
    TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA, TokenType.NUMBER, TokenType.STRING, TokenType.NULL, TokenType.TRUE,
    TokenType.FALSE, TokenType.DASH,
}  # fmt: skip
_ROUTINES = {"PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "PACKAGE", "EVENT", "TASK", "AGGREGATE", "MACRO"}
_MODIFIERS = {
    "OR", "REPLACE", "ALTER", "TEMP", "TEMPORARY", "SECURE", "EDITIONABLE", "NONEDITIONABLE", "DEFINER", "CONSTRAINT",
    "TABLE",
}  # fmt: skip
_OPENS = {"BEGIN", "CASE"}
_OPENS_BLOCK = {"IF", "LOOP", "WHILE", "FOR", "REPEAT"}
_BLOCK_WORDS = ("IF", "WHILE", "LOOP", "FOR", "REPEAT", "DO", "RETURN", "LET")
_STARTS = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "WITH", "DROP", "ALTER", "SET", "TRUNCATE", "EXEC",
    "EXECUTE",
}  # fmt: skip
_TRANSACTION = {
    "TRANSACTION", "TRAN", "WORK", "DEFERRED", "IMMEDIATE", "EXCLUSIVE", "ISOLATION", "READ", "CONCURRENT",
    "DISTRIBUTED",
}  # fmt: skip


class Statement(NamedTuple):
    """One statement: its tree, or why there is none. ``number`` counts from 1."""

    number: int
    tokens: Sequence[Token]
    tree: exp.Expr | None
    problem: NotAnalysed | None = None


def statements(sql: str, dialect: Dialect) -> Iterator[Statement]:
    """Every statement of the text, in order."""
    try:
        tokens = dialect.tokenize(sql)
    except TokenError as error:
        reason = str(error).split(" from ")[0].split("\n")[0]
        yield Statement(
            1, (), None, NotAnalysed(1, *_last_place(sql), f"the text cannot be split into words: {printable(reason)}")
        )
        return
    number = 0
    for whole in _split(tokens):
        for piece in _pieces(whole, sql, dialect):
            number += 1
            yield _parsed(number, piece, sql, dialect)


def _pieces(whole: list[Token], sql: str, dialect: Dialect) -> list[list[Token]]:
    """T-SQL needs no semicolons: what is no statement as a whole may be several."""

    def parses(tokens: list[Token]) -> bool:
        try:
            tree = _tree(tokens, sql, dialect)
        except Exception:  # whatever the parser stumbles over, it is no statement
            return False
        return tree is not None and not isinstance(tree, exp.Command)

    tsql = any(kind.__name__ == "TSQL" for kind in type(dialect).__mro__)
    if not tsql or _opaque(whole) is not None or parses(list(whole)):
        return [whole]
    return cut(whole, parses) or [whole]


def note(number: int, token: Token | None, reason: str, sql: str) -> NotAnalysed:
    """A remark on the place of a token."""
    if token is None:
        return NotAnalysed(number, 1, 1, reason)
    start = sql.rfind("\n", 0, token.start) + 1
    text = sql[token.start :].split("\n", 1)[0]
    return NotAnalysed(number, token.line, token.start - start + 1, reason, printable(text.strip(), 120))


def _parsed(number: int, tokens: list[Token], sql: str, dialect: Dialect) -> Statement:
    opaque = _opaque(tokens)
    if opaque is not None:
        return Statement(number, tokens, None, note(number, tokens[0], opaque, sql))
    tokens = _without_plain_rows(tokens)
    for token in tokens:
        token.comments = []  # the parser stumbles over them in some places
    try:
        tree = _tree(tokens, sql, dialect)
    except ParseError as error:
        return Statement(number, tokens, None, _mistake(number, tokens, error, sql))
    except RecursionError:
        return Statement(number, tokens, None, note(number, tokens[0], DEEP, sql))
    except Exception as error:  # a defect of the parser must not hide the other statements
        return Statement(number, tokens, None, note(number, tokens[0], f"the parser failed on it: {type(error).__name__}", sql))
    return Statement(number, tokens, tree)


def _tree(tokens: list[Token], sql: str, dialect: Dialect) -> exp.Expr | None:
    if tokens[0].text.upper() == "REPLACE":
        # The parser takes REPLACE INTO for a command; it fills columns as INSERT INTO does, and is as long with a blank.
        before = re.sub(r"[^\n]", " ", sql[: tokens[0].start])
        tokens = dialect.tokenize(before + "INSERT " + sql[tokens[0].start + 7 : tokens[-1].end + 1])
    trees = dialect.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, sql)
    tree = trees[0] if trees else None
    if isinstance(tree, exp.Command):
        shorter = _without_options(tokens)
        if len(shorter) < len(tokens):
            return _tree(shorter, sql, dialect)
    return tree


def _without_plain_rows(tokens: list[Token]) -> list[Token]:
    """A long VALUES less its rows of nothing but constants, the first excepted: nothing flows from them."""
    start = next((place for place, token in enumerate(tokens) if token.text.upper() == "VALUES"), None)
    if len(tokens) < _LONG or start is None:
        return tokens
    kept = tokens[: start + 1]
    at = start + 1
    first = True
    while at < len(tokens) and tokens[at].token_type == TokenType.L_PAREN:
        end, plain = _row(tokens, at)
        if first or not plain:
            kept += tokens[at:end] if first else [tokens[at - 1], *tokens[at:end]]
        first = False
        at = end
        if at < len(tokens) and tokens[at].token_type == TokenType.COMMA:
            at += 1
        else:
            break
    return kept + tokens[at:]


def _row(tokens: list[Token], at: int) -> tuple[int, bool]:
    """Where the parenthesis that opens here ends, and whether only constants stand inside."""
    depth, plain = 0, True
    for place in range(at, len(tokens)):
        kind = tokens[place].token_type
        depth += (kind == TokenType.L_PAREN) - (kind == TokenType.R_PAREN)
        plain = plain and kind in _CONSTANTS
        if depth == 0:
            return place + 1, plain
    return len(tokens), plain


def _without_options(tokens: list[Token]) -> list[Token]:
    """Without ``ON COMMIT DROP``, ``WITH NO DATA`` and the like, which the parser knows in few dialects."""
    words = [token.text.upper() for token in tokens]
    for place in range(len(words) - 1):
        if words[place : place + 2] == ["ON", "COMMIT"]:
            length = 4 if words[place + 3 : place + 4] == ["ROWS"] else 3
            return tokens[:place] + tokens[place + length :]
        if words[place] == "WITH" and words[place + 1 :] in (["DATA"], ["NO", "DATA"]):
            return tokens[:place]
    return tokens


def _mistake(number: int, tokens: list[Token], error: ParseError, sql: str) -> NotAnalysed:
    first = error.errors[0] if error.errors else {}
    reason = str(first.get("description") or error).split(" but got <Token")[0].split("\n")[0].rstrip(".")
    line, end = first.get("line"), first.get("col")
    near = next((token for token in tokens if token.line == line and token.col == end), tokens[0])
    return note(number, near, f"it cannot be parsed: {printable(reason)}", sql)


def _opaque(tokens: list[Token]) -> str | None:
    """Why a statement is not even parsed: it holds code, not a query."""
    words = [token.text.upper() for token in tokens[:12]]
    if words[0] == "DECLARE" and any(token.text.upper() == "BEGIN" for token in tokens):
        return "a block of procedural code; what it reads and writes is not analysed"
    if words[0] in ("CREATE", "ALTER"):
        kind = next((word for word in words[1:] if word not in _MODIFIERS), "")
        if kind in _ROUTINES:
            return f"a {kind.lower()} is code that runs elsewhere; what it reads and writes is not analysed"
    if words[0] in ("CALL", "EXEC", "EXECUTE"):
        if words[0] == "EXECUTE" and words[1:2] and words[1].split()[:1] == ["IMMEDIATE"]:
            return "dynamic SQL is made at run time; what it reads and writes is not analysed"
        if words[1:2] == ["SP_RENAME"]:
            return None
        return "a call of a procedure or prepared statement; what it reads and writes is not analysed"
    if _opens_code(words):
        return "a block of procedural code; what it reads and writes is not analysed"
    return None


def _opens_code(words: Sequence[str]) -> bool:
    if words[0] == "BEGIN":
        return not _plain_begin(words)
    return words[0] in _BLOCK_WORDS


def _plain_begin(words: Sequence[str]) -> bool:
    return words[0] == "BEGIN" and (len(words) == 1 or words[1] in _TRANSACTION or words[1] == ";")


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    """Statements at semicolons; code with semicolons inside stays in one piece."""
    piece: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if not piece:
            end = _code_end(tokens, at)
            if end is not None:
                yield tokens[at:end]
                at = end
                continue
        if token.text == ";" or (token.text.upper() == "GO" and _alone(tokens, at)):
            if piece:
                yield piece
            piece = []
        else:
            piece.append(token)
        at += 1
    if piece:
        yield piece


def _alone(tokens: list[Token], at: int) -> bool:
    """The word stands in a line of its own: the batch separator of T-SQL tools."""
    before = at == 0 or tokens[at - 1].line < tokens[at].line
    return before and (at + 1 == len(tokens) or tokens[at + 1].line > tokens[at].line)


def _code_end(tokens: list[Token], start: int) -> int | None:
    """Where code that begins here ends, if code begins here and has a body of statements."""
    words = [token.text.upper() for token in tokens[start : start + 12]]
    routine = words[0] in ("CREATE", "ALTER") and next((w for w in words[1:] if w not in _MODIFIERS), "") in _ROUTINES
    if not routine and not _opens_code(words) and not (words[0] == "DECLARE" and _begins_later(tokens, start)):
        return None
    depth = 0
    body = False
    for at in range(start, len(tokens)):
        word = tokens[at].text.upper()
        following = tokens[at + 1].text.upper() if at + 1 < len(tokens) else ";"
        previous = tokens[at - 1].text.upper() if at > start else ";"
        if word == "END":
            depth -= 1
        elif _opens(word, previous, following):
            depth += 1
            body = True
        elif word == ";" and depth <= 0 and (body or routine or words[0] != "DECLARE"):
            return at + 1
    return len(tokens)


def _opens(word: str, previous: str, following: str) -> bool:
    """Whether an END belongs to this word."""
    if word in _OPENS:
        return previous != "END" and not (word == "BEGIN" and following in _TRANSACTION)
    return word in _OPENS_BLOCK and previous in (";", "BEGIN", "THEN", "ELSE", "LOOP", "DO") and following != ";"


def _begins_later(tokens: list[Token], start: int) -> bool:
    """Declarations with a block behind them, as in PL/SQL; alone they are statements."""
    for at in range(start, len(tokens) - 1):
        if tokens[at].text == ";":
            following = tokens[at + 1].text.upper()
            if following == "BEGIN":
                return True
            if following in _STARTS:
                return False
    return False


def _last_place(sql: str) -> tuple[int, int]:
    return sql.count("\n") + 1, len(sql) - (sql.rfind("\n") + 1) + 1
