"""How an expression is written: the name of an output column that has no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.tokens import Token

_ENDS = {"FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "QUALIFY", "WINDOW", "INTO",
         "OFFSET", "FETCH", ";", "LATERAL", "CLUSTER BY", "DISTRIBUTE BY", "SORT BY"}  # fmt: skip
_SKIPPED = {"DISTINCT", "ALL"}


def text_of(node: exp.Expr, sql: str, tokens: Sequence[Token], dialect: str) -> str:
    """The item of a SELECT list as it stands in the text; generated anew where it cannot be found."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    if starts:
        first, last = min(starts), max(starts)
        items = [(start, end) for start, end in _items(tokens) if start <= first and last <= end]
        if items:
            start, end = min(items, key=lambda item: item[1] - item[0])
            return " ".join(sql[start : end + 1].split())
    try:
        return node.sql(dialect)
    except Exception:  # a generator that does not know the node
        return type(node).__name__.lower()


def _items(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """First and last offset of every item of every SELECT list."""
    for place, token in enumerate(tokens):
        if token.text.upper() != "SELECT":
            continue
        depth, first, last, last_word = 0, -1, -1, ""
        for following in tokens[place + 1 :]:
            word = following.text
            if depth == 0 and (word in (",", ")") or _ends(word.upper(), last_word)):
                if first >= 0:
                    yield first, last
                if word != ",":
                    break
                first = -1
                continue
            if word.upper() in _SKIPPED and depth == 0 and first < 0:
                continue
            depth += (word in "([{") - (word in ")]}")
            first = following.start if first < 0 else first
            last_word = word.upper()
            last = following.end
        else:
            if first >= 0:
                yield first, last


def _ends(word: str, before: str) -> bool:
    """Whether a SELECT list is over; ``IS DISTINCT FROM`` is a comparison."""
    return " ".join(word.split()) in _ENDS and not (word == "FROM" and before == "DISTINCT")
