"""Model files: the ``/* startrail ... */`` header and the SQL after it."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.base.text import did_you_mean, printable
from startrail.base.time import GRAINS, partition_bounds
from startrail.model.model import Check, Kind, Model, ModelColumn, Severity
from startrail.model.quantities import Count, Duration, TableText
from startrail.model.schedule import Schedule
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.scalars import Problems
from startrail.project.values import is_identifier
from startrail.project.yaml import Node, parse, read_text

NOT_YET = ("merge", "append", "snapshot", "seed", "external", "python")
"""Kinds that are planned and refused."""

Grain = Literal["hour", "day", "week", "month", "list"]


class PartitionBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The column that names a row's partition, and how much time one partition covers."""

    column: str
    """The output column."""
    grain: Grain = "day"
    """How much time one partition covers."""


class AcceptedValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    """The column that is looked at."""
    values: tuple[str | int | float | bool, ...]
    """What it may hold; NULL is not judged."""


class Relationship(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``to_columns`` defaults to the same names."""

    columns: tuple[str, ...]
    """Columns of this model."""
    to: TableText
    """The table that must have the same values."""
    to_columns: tuple[str, ...] = ()
    """Its columns; none = the same names."""


class RowCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    min: Count | None = None
    """Rows at least."""
    max: Count | None = None
    """Rows at most."""


class Freshness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    """Its greatest value is held against the clock."""
    within: Duration
    """How old that value may be."""


class CheckForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of ``checks``: exactly one check word, and a severity."""

    not_null: tuple[str, ...] | None = None
    """These columns have a value in every row."""
    unique: tuple[str, ...] | None = None
    """No two rows are alike in these columns together."""
    accepted_values: AcceptedValues | None = None
    """A column holds only listed values."""
    relationship: Relationship | None = None
    """Values exist in another table."""
    row_count: RowCount | None = None
    """A table, or each rebuilt partition, has so many rows."""
    freshness: Freshness | None = None
    """The newest row is not too old."""
    sql: str | None = None
    """A condition that is true for every row."""
    severity: Severity = "error"
    """``error`` holds the publication, ``warn`` publishes and tells."""


CHECK_WORDS = tuple(name for name in CheckForm.__struct_fields__ if name != "severity")


class ModelHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between ``/* startrail`` and ``*/``."""

    kind: Kind = "table"
    """How it is kept: ``table`` rebuilt whole, ``partition`` by partition, ``view`` not stored, ``script`` several statements."""
    description: str | None = None
    """One sentence for readers."""
    owner: str | None = None
    """Who answers for it."""
    partition_by: str | PartitionBy | None = None
    """The output column that names a row's partition; with ``kind: partition``."""
    start: str | None = None
    """First partition that should exist; none = as the inputs say."""
    grain: tuple[str, ...] = ()
    """Columns that name one row."""
    columns: dict[str, ModelColumn] = {}
    """What is promised about output columns."""
    checks: tuple[CheckForm, ...] = ()
    """What must hold before it is published."""
    lookback: Duration | None = None
    """How far behind the newest partition late data still reopens one by itself; none = any distance."""
    schedule: Schedule | None = None
    """When ``startrail tick`` and ``startrail serve`` run it, with all that it is made from and all that is made from it."""
    reads: tuple[TableText, ...] = ()
    """For a script: tables that it reads and the parser cannot see."""
    writes: tuple[TableText, ...] = ()
    """For a script: tables that it leaves and the parser cannot see."""


def read_model(data: bytes, path: str, problems: Problems) -> Model | None:
    """The model in a file whose path starts with ``models/``. Raises or appends what is wrong with it."""
    name = model_name(path)
    text = read_text(data, path)
    header, sql, line = split_header(text, path)
    if header is None:
        return Model(name, sql, path, sql_line=line, span=Span(path))
    if header.value is None:
        return Model(name, sql, path, sql_line=line, span=header.at)
    kind = header.find("kind")
    if kind is not None and kind.value in NOT_YET:
        raise errors.NotYet(f"kind {kind.text} is not there yet", at=kind.at, hint="use view, table, partition or script")
    before = len(problems)
    form = decode(header, ModelHeader, problems, what=f"the header of {name}")
    if form is None:
        return None
    checks = _checks(header, form, problems)
    column, grain = _partition(header, form, problems)
    if len(problems) > before:
        return None
    return Model(
        name,
        sql,
        path,
        kind=form.kind,
        description=form.description,
        owner=form.owner,
        partition_by=column,
        partition_grain=grain,
        start=form.start,
        grain=form.grain,
        columns=form.columns,
        checks=checks,
        lookback=form.lookback,
        schedule=form.schedule,
        reads=form.reads,
        writes=form.writes,
        sql_line=line,
        span=header.at,
    )


def model_name(path: str) -> str:
    """``models/marts/sales_daily.sql`` -> ``marts.sales_daily``."""
    parts = path.removesuffix(".sql").split("/")[1:]
    if len(parts) != 2:
        raise errors.BadName(
            f"{path} is not in a namespace folder" if len(parts) < 2 else f"{path} is too deep",
            at=Span(path),
            hint="move it to models/<namespace>/<name>.sql",
        )
    for part in parts:
        if not is_identifier(part):
            raise errors.BadName(
                f"'{printable(part, 60)}' cannot be part of a table name",
                at=Span(path),
                hint="use lower-case letters, digits and underscores",
            )
    return ".".join(parts)


def split_header(text: str, path: str) -> tuple[Node | None, str, int]:
    """The header's tree with places in the file (None without header), the SQL after it, and the SQL's first line."""
    opening = _OPENING.match(text)
    if opening is None:
        _refuse_misspelt(text, path)
        return None, text, 1
    end = text.find("*/", opening.end())
    before = text[: opening.end()]
    if end < 0:
        raise errors.HeaderOpen(
            "the header is not closed", at=_place_of(text, opening.start("open"), path), hint="end it with */"
        )
    # Blanks in place of what stands before the header keep every line and column as in the file.
    body = _NOT_BREAK.sub(" ", before) + text[opening.end() : end]
    sql = text[end + 2 :]
    try:
        header = parse(body, path)
    except errors.NotYaml as error:
        if error.at is not None and error.at.line >= body.count("\n") + 1:
            error.hint = "a header ends at its first */; a cron field */5 is 0-59/5"
        raise
    if header.value is None:
        header = Node(_place_of(text, opening.start("open"), path), None)
    return header, sql, text.count("\n", 0, end + 2) + 1


_OPENING = re.compile(r"\s*(?P<open>/\*)\s*startrail\b")
_FIRST_WORD = re.compile(r"\s*/\*+\s*(\w+)")
_NOT_BREAK = re.compile(r"[^\r\n\x85\u2028\u2029]")


def _refuse_misspelt(text: str, path: str) -> None:
    """A header under a misspelt name would be a comment, and its checks would never run."""
    word = _FIRST_WORD.match(text)
    if word is None:
        return
    import difflib  # only for a comment

    if difflib.get_close_matches(word[1].lower(), ["startrail"], cutoff=0.8):
        at = _place_of(text, word.start(1), path)
        raise errors.UnknownWord(f"a comment begins with '{printable(word[1], 40)}'", at=at, hint="write /* startrail")


def _place_of(text: str, offset: int, path: str) -> Span:
    return Span(path, text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def _partition(header: Node, form: ModelHeader, problems: Problems) -> tuple[str | None, Grain]:
    by = PartitionBy(form.partition_by) if isinstance(form.partition_by, str) else form.partition_by
    if form.kind == "partition" and by is None:
        problems.append(
            errors.HeaderContradiction(
                "kind partition needs partition_by", at=header.place("kind"), hint="add partition_by: COLUMN"
            )
        )
    if form.kind != "partition":
        for key in ("partition_by", "lookback", "start"):
            node = header.find(key)
            if node is not None and node.value is not None:
                problems.append(
                    errors.HeaderContradiction(
                        f"{key} goes with kind partition, not {form.kind}", at=node.key, hint="add kind: partition"
                    )
                )
    if by is not None and form.start is not None and by.grain in GRAINS:
        try:
            partition_bounds(form.start, by.grain)
        except ValueError:
            message = f"start '{printable(form.start, 40)}' is not the name of a partition of grain {by.grain}"
            problems.append(errors.BadValue(message, at=header.place("start"), hint=_START_HINT[by.grain]))
    return (by.column, by.grain) if by is not None else (None, "day")


_START_HINT = {
    "hour": 'write it as "2026-10-03T14"',
    "day": 'write it as "2026-10-03"',
    "week": 'write it as "2026-W40"',
    "month": 'write it as "2026-10"',
}


def _checks(header: Node, form: ModelHeader, problems: Problems) -> tuple[Check, ...]:
    node = header.find("checks")
    items = node.value if node is not None and isinstance(node.value, list) else []
    checks = [_check(item, given, problems) for item, given in zip(form.checks, items, strict=True)]
    return tuple(check for check in checks if check is not None)


def _check(form: CheckForm, node: Node, problems: Problems) -> Check | None:
    words = [word for word in CHECK_WORDS if getattr(form, word) is not None]
    if len(words) != 1:
        message = "a check without a check word" if not words else f"two check words in one item: {words[0]} and {words[1]}"
        hint = did_you_mean("", CHECK_WORDS) if not words else "make an item of each"
        problems.append(errors.BadCheck(message, at=node.at, hint=hint))
        return None
    severity = form.severity
    fault = _fault(form)
    if fault is not None:
        problems.append(errors.BadCheck(fault, at=node.place(words[0]), hint="mend the check or remove it"))
        return None
    if form.accepted_values is not None:
        accepted = form.accepted_values
        return Check("accepted_values", severity, (accepted.column,), accepted.values, span=node.at)
    if form.relationship is not None:
        link = form.relationship
        return Check("relationship", severity, link.columns, to=link.to, to_columns=link.to_columns or link.columns, span=node.at)
    if form.row_count is not None:
        return Check("row_count", severity, minimum=form.row_count.min, maximum=form.row_count.max, span=node.at)
    if form.freshness is not None:
        return Check("freshness", severity, (form.freshness.column,), within=form.freshness.within, span=node.at)
    if form.sql is not None:
        return Check("sql", severity, sql=form.sql, span=node.at)
    if form.unique is not None:
        return Check("unique", severity, form.unique, span=node.at)
    return Check("not_null", severity, form.not_null or (), span=node.at)


def _fault(form: CheckForm) -> str | None:
    """What makes a well-formed check meaningless."""
    if form.not_null == () or form.unique == ():
        return "the check names no column"
    if form.accepted_values is not None and not form.accepted_values.values:
        return "accepted_values accepts nothing"
    if form.sql is not None and not form.sql.strip():
        return "sql is empty"
    if form.relationship is not None:
        link = form.relationship
        if not link.columns or (link.to_columns and len(link.to_columns) != len(link.columns)):
            return "columns and to_columns must be equally many, at least one"
    if form.row_count is not None:
        low, high = form.row_count.min, form.row_count.max
        if low is None and high is None:
            return "row_count needs min or max"
        if low is not None and high is not None and low > high:
            return f"min {low} is greater than max {high}"
    return None
