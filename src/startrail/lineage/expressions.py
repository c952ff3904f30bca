"""Small pieces of SQL inside declarations: one expression over columns, parsed and judged, its columns qualified."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.base.text import printable
from startrail.lineage.metric.errors import MetricSql
from startrail.lineage.syntax import canonical_words

DIALECT = "duckdb"

_CHANGING = {
    "random", "rand", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "now", "today", "current_date", "current_time",
    "current_timestamp", "get_current_time", "get_current_timestamp", "transaction_timestamp", "current_localtime",
    "current_localtimestamp", "localtime", "localtimestamp", "nextval", "currval", "setseed", "getvariable", "getenv",
    "current_setting", "current_user", "current_query", "current_schema", "current_database", "txid_current", "version",
    "pg_backend_pid", "query", "query_table", "error", "write_log",
}  # fmt: skip
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime, exp.Rand, exp.Uuid)
_ORDER = re.compile(r'\s*((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))*)(?:\s+(asc|desc))?\s*', re.IGNORECASE)


class Used(NamedTuple):
    """A column that an expression uses: the alias of its table, and its name, both in lower case."""

    alias: str
    column: str


def expression(sql: str, *, what: str, at: Span, source: str, aliases: Collection[str]) -> exp.Expr:
    """One expression as a syntax tree in which every column says its table. Raises MetricSql.

    A column without a table in front is ``source``'s; ``aliases`` are the other tables that may be named.
    """
    tree = _parsed(sql, what, at)
    _judge(tree, sql, what, at)
    return qualified(tree, source, aliases)


def qualified(tree: exp.Expr, source: str, aliases: Collection[str]) -> exp.Expr:
    """A copy in which every column has its table in front, and every identifier is quoted."""

    def qualify(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            parts = [part.name for part in node.parts]
            known = {source.lower(), *(alias.lower() for alias in aliases)}
            if len(parts) > 1 and parts[0].lower() in known:
                parts[0] = parts[0].lower()
            else:
                parts.insert(0, source)
            return column(*parts)
        return node

    return tree.copy().transform(qualify)


def column(alias: str, name: str, *fields: str) -> exp.Expr:
    """``alias.name``, with the fields of a struct behind it."""
    node: exp.Expr = exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias, quoted=True))
    for field in fields:
        node = exp.Dot(this=node, expression=exp.to_identifier(field, quoted=True))
    return node


def columns(trees: Iterable[exp.Expr]) -> tuple[Used, ...]:
    """The columns that qualified expressions use, in alphabetical order."""
    found = {Used(node.table.lower(), node.name.lower()) for tree in trees for node in tree.find_all(exp.Column)}
    return tuple(sorted(found))


def ordering(text: str, *, at: Span) -> tuple[str, bool]:
    """``loaded_at desc`` as the column's text and whether it descends. Raises MetricSql."""
    match = _ORDER.fullmatch(text)
    if match is None:
        raise MetricSql(f"'{printable(text, 60)}' is not a column with asc or desc", at=at, hint="such as loaded_at desc")
    return match[1], (match[2] or "").lower() == "desc"


def conjuncts(tree: exp.Expr) -> list[exp.Expr]:
    """The conditions that AND joins, without outer parentheses."""
    inner = tree.unnest()
    if isinstance(inner, exp.And):
        return [*conjuncts(inner.this), *conjuncts(inner.expression)]
    return [inner]


def moving(node: exp.Expr) -> str | None:
    """What a node is called if it gives another answer each time, as ``now()``."""
    if isinstance(node, exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if isinstance(node, _CLOCKS) or name in _CHANGING:
            return f"{name}()"
    if isinstance(node, exp.Column) and not node.table and node.name.lower() in _CHANGING:
        return node.name
    return None


def normal(sql: str) -> str:
    """A text's form in which white space, comments and the case of keywords and columns do not count."""
    return fingerprint(canonical_words(sql, DIALECT))


def written(tree: exp.Expr, *, pretty: bool = False) -> str:
    """The text of a tree, every identifier quoted."""
    return tree.sql(dialect=DIALECT, pretty=pretty, identify=True, comments=False)


def _parsed(sql: str, what: str, at: Span) -> exp.Expr:
    try:
        found = [item for item in sqlglot.parse(sql, dialect=DIALECT) if item is not None]
    except (ParseError, TokenError) as error:
        first = error.errors[0].get("description") if isinstance(error, ParseError) and error.errors else None
        reason = printable(str(first or error).split("\n")[0], 120)
        raise MetricSql(f"{what} cannot be parsed: {reason} in: {_shown(sql)}", at=at, hint="mend the SQL") from None
    except RecursionError:
        raise MetricSql(f"{what} is nested too deep", at=at, hint="make it shorter") from None
    if len(found) != 1 or not isinstance(found[0], exp.Condition) or isinstance(found[0], exp.Alias | exp.Query | exp.Command):
        raise MetricSql(f"{what} is not one expression: {_shown(sql)}", at=at, hint="write one expression over columns")
    return found[0]


def _judge(tree: exp.Expr, sql: str, what: str, at: Span) -> None:
    for node in tree.walk():
        reason = _refusal(node)
        if reason is not None:
            text, hint = reason
            raise MetricSql(f"{what} {text}: {_shown(sql)}", at=at, hint=hint)


def _refusal(node: exp.Expr) -> tuple[str, str] | None:
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists | exp.Table):
        return "holds a subquery", "join the table instead, or put the SQL into a model"
    if isinstance(node, exp.Window):
        return "holds a window", "use dedup, or put the SQL into a model"
    if isinstance(node, exp.AggFunc):
        return "holds an aggregate", "say it with agg; expr is the value of one row"
    if isinstance(node, exp.Star | exp.Columns):
        return "holds a star", "name the column; to count rows leave expr out"
    if isinstance(node, exp.Placeholder | exp.Parameter):
        return "holds a parameter", "the period is said by agg_time_dimension"
    if isinstance(node, exp.Alias | exp.Command):
        return "is not one expression", "write one expression over columns"
    name = moving(node)
    if name is not None:
        return f"uses {printable(name, 40)}, which gives another answer each time", "use a column or a constant"
    return None


def _shown(sql: str) -> str:
    return printable(" ".join(sql.split()), 120)
