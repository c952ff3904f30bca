"""Checks: what must hold of a model's rows before anybody may see them.

Conditions on single rows (``not_null``, ``accepted_values``, ``sql``) share one scan of the staged rows. ``unique``
looks at the staged rows alone when the partition column is among its columns, else at the whole table as it will
be; so does ``freshness``. ``row_count`` counts each staged partition, and costs no scan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from startrail.base.errors import ModelError
from startrail.base.text import did_you_mean
from startrail.base.units import parse_duration
from startrail.model.model import Check, Model
from startrail.model.step import CheckResult
from startrail.model.table import Relation, View
from startrail.ports.warehouse import Query, Readable, Warehouse

SAMPLE = 10
"""Failing rows shown at most."""


class CheckColumnMissing(ModelError):
    """A check names a column that the table has not.

    Mend the name in the check, or add the column to the SELECT.
    """

    code = "ST430"


class CheckSqlWrong(ModelError):
    """The condition of a ``sql`` check, or its values, do not fit the table's columns.

    A condition is what could stand in WHERE; it must be true for every good row.
    """

    code = "ST431"


class CheckTargetMissing(ModelError):
    """A ``relationship`` check names a table that is not there.

    Mend the name after ``to``, or run what makes that table first.
    """

    code = "ST432"


def run_checks(
    model: Model, relations: Iterable[Relation | View], parts: frozenset[str] | None, *, warehouse: Warehouse, now: datetime
) -> tuple[CheckResult, ...]:
    """Run all checks of a model, in their order.

    ``relations`` holds the model's table as it will be and the targets of its relationships; ``parts`` are the
    partitions that were staged (None = a view: all rows are looked at). Raises ModelError for a check that cannot
    be run.
    """
    table = _Table(model, tuple(relations), parts, warehouse)
    for check in model.checks:
        table.has(check, model.name, check.columns)
    found = _row_conditions(table, [check for check in model.checks if check.name in _CONDITIONS])
    results = []
    for check in model.checks:
        finding = found.get(id(check)) or _WHOLE_CHECKS[check.name](table, check, now)
        results.append(
            CheckResult(
                check.title(),
                check.severity,
                passed=finding.failing == 0,
                failing=finding.failing,
                message=finding.message,
                sample=table.sample(finding.rows) if finding.failing and finding.rows else "[]",
            )
        )
    return tuple(results)


class _Finding(msgspec.Struct, frozen=True):
    """``rows`` selects the failing ones."""

    failing: int
    message: str = ""
    rows: Query | None = None


class _Table:
    """The model's rows as staged and as they will be, and SQL over them."""

    def __init__(
        self, model: Model, relations: tuple[Relation | View, ...], parts: frozenset[str] | None, warehouse: Warehouse
    ) -> None:
        self.model = model
        self.warehouse = warehouse
        self.name = warehouse.quote(model.name)
        self.whole: tuple[Readable, ...] = relations
        self.parts: dict[str, int] | None = None
        own = next(relation for relation in relations if relation.name == model.name)
        if parts is not None and isinstance(own, Relation):
            files = tuple(file for file in own.files if file.part in parts)
            rows = dict.fromkeys(sorted(parts), 0)
            for file in files:
                rows[file.part] += file.rows
            self.parts = rows
            staged = Relation(own.name, own.schema, files)
            self.staged: tuple[Readable, ...] = tuple(staged if relation is own else relation for relation in relations)
        else:
            self.staged = relations
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, check: Check, name: str) -> frozenset[str]:
        """Lower-case column names of a table given to the checks."""
        if name not in self._columns:
            relation = next((relation for relation in self.whole if relation.name == name), None)
            if relation is None:
                known = [relation.name for relation in self.whole]
                message = f"{check.title()} looks into '{name}', which is not there"
                raise CheckTargetMissing(message, at=check.span, hint=did_you_mean(name, known, "run what makes it first"))
            if isinstance(relation, Relation):
                schema = relation.schema
            else:
                schema = self.warehouse.describe(Query(f"SELECT * FROM {self.warehouse.quote(name)}", self.whole))
            self._columns[name] = frozenset(column.lower() for column in schema.names())
        return self._columns[name]

    def has(self, check: Check, name: str, columns: Iterable[str]) -> None:
        known = self.columns(check, name)
        for column in columns:
            if column.lower() not in known:
                raise CheckColumnMissing(
                    f"{check.title()} of model '{self.model.name}' names the column '{column}', which '{name}' has not",
                    at=check.span,
                    affects=f"model '{self.model.name}'",
                    hint=did_you_mean(column, known),
                )

    def ask(self, check: Check, query: Query) -> tuple[Any, ...]:
        """The one row of a query made for one check."""
        try:
            return self.warehouse.fetch(query).rows[0]
        except ModelError as error:
            raise CheckSqlWrong(
                f"{check.title()} of model '{self.model.name}' cannot be run: {error.message}",
                at=check.span,
                affects=f"model '{self.model.name}'",
                hint=error.hint,
            ) from None

    def sample(self, query: Query) -> str:
        found = self.warehouse.fetch(query, SAMPLE)
        names = found.schema.names()
        rows = [dict(zip(names, row, strict=True)) for row in found.rows]
        return msgspec.json.encode(rows, enc_hook=str).decode()

    def quoted(self, columns: Iterable[str], prefix: str = "") -> list[str]:
        return [prefix + self.warehouse.quote(column) for column in columns]


class _Bad(msgspec.Struct, frozen=True):
    """A condition true for bad rows."""

    sql: str
    parameters: dict[str, Any] = {}


def _not_null(table: _Table, check: Check, _prefix: str) -> _Bad:
    return _Bad(" OR ".join(f"{column} IS NULL" for column in table.quoted(check.columns)))


def _accepted_values(table: _Table, check: Check, prefix: str) -> _Bad:
    """Words are compared with the column's text, so that dates and codes can be listed; NULL is not judged."""
    column = table.quoted(check.columns)[0]
    values = {f"{prefix}{place}": value for place, value in enumerate(check.values)}
    words = [f"${name}" for name, value in values.items() if isinstance(value, str)]
    others = [f"${name}" for name, value in values.items() if not isinstance(value, str)]
    good = [f"CAST({column} AS VARCHAR) IN ({', '.join(words)})"] if words else []
    good += [f"{column} IN ({', '.join(others)})"] if others else []
    return _Bad(f"{column} IS NOT NULL AND NOT ({' OR '.join(good) or 'false'})", values)


def _sql(_table: _Table, check: Check, _prefix: str) -> _Bad:
    # On lines of its own, so that a comment in it ends with it.
    return _Bad(f"(\n{check.sql}\n) IS NOT TRUE")


_CONDITIONS: Mapping[str, Callable[[_Table, Check, str], _Bad]] = {
    "not_null": _not_null,
    "accepted_values": _accepted_values,
    "sql": _sql,
}


def _row_conditions(table: _Table, checks: list[Check]) -> dict[int, _Finding]:
    """All conditions on single rows in one scan of the staged rows."""
    if not checks:
        return {}
    bad = [_CONDITIONS[check.name](table, check, f"v{place}_") for place, check in enumerate(checks)]
    counts = ", ".join(f"count(*) FILTER (WHERE {condition.sql}) AS c{place}" for place, condition in enumerate(bad))
    parameters = {name: value for condition in bad for name, value in condition.parameters.items()}
    try:
        row = table.warehouse.fetch(Query(f"SELECT {counts} FROM {table.name}", table.staged, parameters)).rows[0]
    except ModelError:
        row = _one_by_one(table, checks, bad)
    return {
        id(check): _Finding(
            int(count),
            f"{count} rows" if count else "",
            Query(f"SELECT * FROM {table.name} WHERE {condition.sql}", table.staged, condition.parameters),
        )
        for check, condition, count in zip(checks, bad, row, strict=True)
    }


def _one_by_one(table: _Table, checks: list[Check], bad: list[_Bad]) -> tuple[Any, ...]:
    """Ask again, each alone, so that the error names the check it belongs to."""
    return tuple(
        table.ask(check, Query(f"SELECT count(*) FROM {table.name} WHERE {condition.sql}", table.staged, condition.parameters))[0]
        for check, condition in zip(checks, bad, strict=True)
    )


def _unique(table: _Table, check: Check, _now: datetime) -> _Finding:
    """Rows that share their key with another. NULL is a key like any other: doubled rows are doubled all the same."""
    by_partition = table.model.kind == "partition" and table.model.partition_by in check.columns
    relations = table.staged if by_partition else table.whole
    columns = ", ".join(table.quoted(check.columns))
    groups = (
        f"SELECT {columns}, count(*) AS {table.warehouse.quote('rows')} FROM {table.name} GROUP BY {columns} HAVING count(*) > 1"
    )
    rows = table.warehouse.quote("rows")
    keys, failing = table.ask(check, Query(f"SELECT count(*), coalesce(sum({rows}), 0) FROM ({groups}) AS g", relations))
    message = f"{failing} rows share {keys} keys" if keys else ""
    return _Finding(int(failing), message, Query(f"{groups} ORDER BY {rows} DESC", relations))


def _relationship(table: _Table, check: Check, _now: datetime) -> _Finding:
    """Staged rows whose key is not in the target. A key with a NULL in it points nowhere, and is not judged."""
    assert check.to is not None
    to_columns = check.to_columns or check.columns
    table.has(check, check.to, to_columns)
    ours, theirs = table.quoted(check.columns, "s."), table.quoted(to_columns, "t.")
    match = " AND ".join(f"{our} = {their}" for our, their in zip(ours, theirs, strict=True))
    given = " AND ".join(f"{our} IS NOT NULL" for our in ours)
    target = table.warehouse.quote(check.to)
    # A self-reference looks into the whole table, not only into the staged rows.
    orphans = f"FROM {table.name} AS s WHERE {given} AND NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {match})"
    relations = table.whole if check.to == table.model.name else table.staged
    (failing,) = table.ask(check, Query(f"SELECT count(*) {orphans}", relations))
    message = f"{failing} rows have no match in {check.to}" if failing else ""
    return _Finding(int(failing), message, Query(f"SELECT s.* {orphans}", relations))


def _row_count(table: _Table, check: Check, _now: datetime) -> _Finding:
    counts = table.parts
    if counts is None:
        (rows,) = table.ask(check, Query(f"SELECT count(*) FROM {table.name}", table.staged))
        counts = {"": int(rows)}
    low = check.minimum if check.minimum is not None else 0
    high = check.maximum
    wrong = {part: rows for part, rows in counts.items() if rows < low or (high is not None and rows > high)}
    wanted = f"at least {low}" if high is None else f"{low} to {high}"
    named = ", ".join(
        f"{rows} rows" + (f" in {part}" if part not in ("", "all") else "") for part, rows in list(wrong.items())[:3]
    )
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return _Finding(len(wrong), f"{named}{more}; expected {wanted}" if wrong else "")


def _freshness(table: _Table, check: Check, now: datetime) -> _Finding:
    """The newest value of the whole table is at most ``within`` old. A date is its midnight; no zone means UTC."""
    assert check.within is not None
    column = table.quoted(check.columns)[0]
    (newest,) = table.ask(check, Query(f"SELECT max({column}) FROM {table.name}", table.whole))
    if newest is None:
        return _Finding(1, "there are no rows")
    if not isinstance(newest, date):
        message = f"{check.title()} of model '{table.model.name}' needs a date or a timestamp"
        raise CheckSqlWrong(message, at=check.span, hint="name the column that says when a row is from")
    instant = newest if isinstance(newest, datetime) else datetime.combine(newest, time())
    age = now - (instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    if age <= parse_duration(check.within):
        return _Finding(0)
    return _Finding(1, f"the newest is {newest}, {_hours(age.total_seconds())} ago; expected within {check.within}")


def _hours(seconds: float) -> str:
    hours = int(seconds // 3600)
    return f"{hours} hours" if hours < 72 else f"{hours // 24} days"


_WHOLE_CHECKS: Mapping[str, Callable[[_Table, Check, datetime], _Finding]] = {
    "unique": _unique,
    "relationship": _relationship,
    "row_count": _row_count,
    "freshness": _freshness,
}
