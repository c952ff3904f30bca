"""From text to syntax trees, refusing what a model must not say."""

from __future__ import annotations

import logging
import re
from itertools import pairwise
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.base.text import did_you_mean, printable
from startrail.lineage.errors import (
    ForbiddenStatement,
    ReadsVersion,
    SeveralStatements,
    SqlSyntax,
    TemplateInSql,
    UnknownParameter,
)
from startrail.model.analysis import PARAMETERS

# It warns on the terminal when it falls back to an opaque command; such commands are refused below.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_QUOTED_OR_COMMENT = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$ | --[^\r\n]* | /\*""",
    re.DOTALL | re.VERBOSE,
)
_FINAL = (exp.Query, exp.Values, exp.Pivot)
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)
_SCRIPT = (*_FINAL, *_CHANGES, exp.Create, exp.Drop, exp.Alter, exp.Transaction, exp.Commit, exp.Rollback)
_SCRIPT_KINDS = {"TABLE", "VIEW", "SCHEMA", "MACRO", "FUNCTION", "TYPE", "SEQUENCE", "INDEX"}
_PLACES = {TokenType.VAR, TokenType.IDENTIFIER}


class Text(NamedTuple):
    """SQL and where it stands in the user's files."""

    sql: str
    path: str
    first_line: int

    def span(self, offset: int) -> Span:
        """Line and column of a character."""
        before = self.sql[: max(offset, 0)]
        line = before.count("\n")
        return Span(self.path, self.first_line + line, len(before) - (before.rfind("\n") + 1) + 1)

    def line(self, offset: int) -> str:
        """The line that holds a character, made safe to print."""
        start = self.sql.rfind("\n", 0, max(offset, 0)) + 1
        return printable(self.sql[start:].split("\n", 1)[0].strip())

    def at(self, node: exp.Expression) -> Span:
        """Where a node begins; the text's beginning when the parser kept no place."""
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        return self.span(min(starts, default=0))


class Tree(NamedTuple):
    """The parsed statements, and what the tokens alone say."""

    statements: tuple[exp.Expression, ...]
    fingerprint: str
    parameters: tuple[str, ...]


def parse(text: Text, dialect: str, *, script: bool) -> Tree:
    """Parse and judge. Raises ST400 to ST404 and ST406."""
    bare = without_comments(text)
    tokens = _tokens(bare, text, dialect)
    _no_templates(tokens, text)
    _no_versions(tokens, text)
    try:
        parsed = sqlglot.parse(bare, dialect=dialect, error_message_context=len(bare) + 1)
    except ParseError as error:
        raise _syntax(error, text) from None
    statements = tuple(item for item in parsed if isinstance(item, exp.Expression) and not isinstance(item, exp.Semicolon))
    starts = _starts(tokens)
    if not statements:
        raise SqlSyntax("there is no SQL statement", at=text.span(0), hint="write one SELECT below the header")
    if script:
        for statement, start in zip(statements, starts, strict=False):
            _allowed_in_script(statement, text, start)
    else:
        _one_select(statements, text, starts)
    return Tree(statements, _fingerprint(tokens, statements, dialect), _parameters(tokens, statements, text))


def without_comments(text: Text) -> str:
    """The text with blanks for comments, everything at its old place: the parser stumbles over a comment inside GROUP BY."""
    sql = text.sql
    pieces: list[str] = []
    at = 0
    while (found := _QUOTED_OR_COMMENT.search(sql, at)) is not None:
        end = _comment_end(text, found.start()) if found[0] == "/*" else found.end()
        inside = sql[found.start() : end]
        pieces += [sql[at : found.start()], _blank(inside) if found[0].startswith(("--", "/*")) else inside]
        at = end
    return "".join(pieces) + sql[at:]


def _comment_end(text: Text, start: int) -> int:
    """Comments nest, as in the engine."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text.sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise SqlSyntax("a comment never ends", at=text.span(start), hint="close it with */")


def _blank(comment: str) -> str:
    return re.sub(r"[^\r\n]", " ", comment)


def _tokens(bare: str, text: Text, dialect: str) -> list[Token]:
    try:
        return sqlglot.tokenize(bare, dialect=dialect)
    except TokenError as error:
        reason = str(error).split(" from ")[0].split("\n")[0]
        raise SqlSyntax(
            f"the SQL cannot be read: {printable(reason)}",
            at=text.span(0),
            hint="look for a quote or comment that is never closed",
        ) from None


def _no_templates(tokens: list[Token], text: Text) -> None:
    for first, second in pairwise(tokens):
        opens = first.token_type == TokenType.L_BRACE and second.start == first.end + 1
        if (opens and second.text in ("{", "%", "#")) or first.token_type == TokenType.BLOCK_START:
            raise TemplateInSql(
                f"templates are not SQL: {text.line(first.start)}",
                at=text.span(first.start),
                hint="name the table directly, as namespace.name; use $start, $end, $partition or $env for what changes",
            )


def _no_versions(tokens: list[Token], text: Text) -> None:
    for table, mark in pairwise(tokens[2:]):
        if mark.text == "@" and table.token_type in _PLACES and mark.start == table.end + 1 and text.sql[table.start - 1] == ".":
            raise ReadsVersion(
                f"a model reads current tables, not versions: {text.line(mark.start)}",
                at=text.span(mark.start),
                hint="remove the part from @ on; versions can be named in startrail query",
            )


def _syntax(error: ParseError, text: Text) -> SqlSyntax:
    first = error.errors[0] if error.errors else {}
    offset = len(first.get("start_context") or "")
    reason = str(first.get("description") or "it does not parse").split(" but got <Token")[0]
    return SqlSyntax(
        f"the SQL cannot be parsed: {printable(reason)} in: {text.line(offset)}",
        at=text.span(offset),
        hint="mend the SQL; the mistake is there or just before it",
    )


def _starts(tokens: list[Token]) -> list[int]:
    """Offset of the first token of each statement that is not empty."""
    starts: list[int] = []
    fresh = True
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            fresh = True
        elif fresh:
            starts.append(token.start)
            fresh = False
    return starts


def _one_select(statements: tuple[exp.Expression, ...], text: Text, starts: list[int]) -> None:
    for statement, start in zip(statements, starts, strict=False):
        changing = next(statement.find_all(*_CHANGES), None)
        if not isinstance(statement, _FINAL) or changing is not None:
            raise ForbiddenStatement(
                f"a model is one SELECT, but here stands: {text.line(start)}",
                at=text.span(start),
                hint="keep the SELECT; declare kind: script in the header when statements must create or change tables",
            )
    if len(statements) > 1:
        raise SeveralStatements(
            f"a model is one SELECT, but here are {len(statements)} statements; the second: {text.line(starts[1])}",
            at=text.span(starts[1]),
            hint="use WITH for intermediate results, or declare kind: script in the header",
        )


def _allowed_in_script(statement: exp.Expression, text: Text, start: int) -> None:
    variable = isinstance(statement, exp.Set) and all(item.args.get("kind") == "VARIABLE" for item in statement.expressions)
    kind = (
        str(statement.args.get("kind") or "TABLE").upper()
        if isinstance(statement, exp.Create | exp.Drop | exp.Alter)
        else "TABLE"
    )
    if not (variable or (isinstance(statement, _SCRIPT) and kind in _SCRIPT_KINDS)):
        raise ForbiddenStatement(
            f"a script must not run: {text.line(start)}",
            at=text.span(start),
            hint="a script creates, fills, changes and drops tables; settings belong into the profile, files into a source",
        )


def _parameters(tokens: list[Token], statements: tuple[exp.Expression, ...], text: Text) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for statement in statements:
        for node in statement.find_all(exp.Placeholder, exp.Parameter):
            name = str(node.name).lower()
            if name not in PARAMETERS:
                marks = (mark.start for mark, word in pairwise(tokens) if word.text.lower() == name and mark.text in "$:@")
                place = next(marks, next((token.start for token in tokens if token.text == name), 0))
                raise UnknownParameter(
                    f"nothing binds the parameter {'?' if name == '?' else '$' + name}: {text.line(place)}",
                    at=text.span(place),
                    hint=did_you_mean(name, PARAMETERS, "the parameters are $start, $end, $partition and $env"),
                )
            found[name] = None
    return tuple(sorted(found))


def _fingerprint(tokens: list[Token], statements: tuple[exp.Expression, ...], dialect: str) -> str:
    """Of the tokens, so that another release of the parser does not make every model stale.

    The engine ignores the case of keywords and of names it looks up, but shows the names that the SQL gives
    to its output as they are written; those count when they are not in lower case.
    """
    words = _words(tokens)
    given = [
        node.name
        for statement in statements
        for node in statement.find_all(exp.Identifier)
        if node.name != node.name.lower() and not _looked_up(node)
    ]
    return fingerprint(dialect, words, given)


def canonical_words(sql: str, dialect: str) -> list[str]:
    """The tokens of a text that parses, without white space, comments and letter case that do not count."""
    return _words(sqlglot.tokenize(sql, dialect=dialect))


def _words(tokens: list[Token]) -> list[str]:
    words = [_canonical(token) for token in tokens]
    while words and words[-1] == ";":
        words.pop()
    return words


def _looked_up(name: exp.Identifier) -> bool:
    """A name that the engine resolves, in any letter case; not one that the result shows."""
    own = isinstance(name.parent, exp.TableAlias) and name.arg_key == "this"
    return own or isinstance(name.parent, exp.Column | exp.Table)


def _canonical(token: Token) -> str:
    if token.token_type == TokenType.IDENTIFIER:
        return f'"{token.text.lower()}"' if not _plain(token.text) else token.text.lower()
    if token.token_type in (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.RAW_STRING, TokenType.BYTE_STRING):
        return f"{token.token_type.name}'{token.text}"
    return token.text.lower()


def _plain(name: str) -> bool:
    return name.isidentifier() and name.isascii()
