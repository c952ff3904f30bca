"""``table@version`` in a query: tables as they were, or as a failed check left them."""

from __future__ import annotations

import msgspec


class Versioned(msgspec.Struct, frozen=True):
    """``sql`` with each ``a.b@v`` as ``a."b@v"``; ``tables`` maps that name back to table and version."""

    sql: str
    tables: dict[str, tuple[str, str]]


def versioned(sql: str, dialect: str = "duckdb") -> Versioned:
    """Find ``namespace.table@version``, where version is ``failed`` or a snapshot id, outside strings and comments."""
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.tokens import TokenType

    tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    tables: dict[str, tuple[str, str]] = {}
    pieces: list[str] = []
    done = 0
    for at in range(len(tokens) - 4):
        namespace, dot, name, mark, version = tokens[at : at + 5]
        adjacent = name.end + 1 == mark.start and mark.end + 1 == version.start
        if dot.token_type is not TokenType.DOT or mark.text != "@" or not adjacent or namespace.start < done:
            continue
        if not (version.text == "failed" or version.text.isdecimal()):
            continue
        bare = name.text
        tables[f"{namespace.text}.{bare}@{version.text}"] = (f"{namespace.text}.{bare}", version.text)
        pieces.append(sql[done : name.start] + f'"{bare}@{version.text}"')
        done = version.end + 1
    return Versioned("".join(pieces) + sql[done:], tables)
