"""Proof beside the lines: each cause swapped alone by a query of its own, and the rows it moves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec

from startrail.capabilities.why.classes import exact
from startrail.capabilities.why.errors import VerifyFailed
from startrail.capabilities.why.explain import Game, Side
from startrail.capabilities.why.gap import Gap, Line
from startrail.lineage.gap.evidence import as_of, is_rows, mixed_query, rows_query
from startrail.lineage.gap.query import Kinds
from startrail.lineage.metric.query import Compiled
from startrail.lineage.metric.time import Window
from startrail.model.table import View
from startrail.ports.warehouse import Query, Warehouse

MOST_ROWS = 1000


class Written(msgspec.Struct, frozen=True):
    """Files that were written: SQL that runs with ``startrail query``, and Parquet of the largest rows."""

    files: tuple[str, ...]


def verify(game: Game, a: Side, b: Side, window: Window | None, warehouse: Warehouse) -> int:
    """Compute each cause's first swap by its own query; returns how many agree. Raises VerifyFailed."""
    for place, cause in enumerate(game.causes):
        compiled, side = _swapped(game, cause.slots, a, b, window)
        found = _number(compiled, side, warehouse)
        expected = game.values[1 << place]
        close = game.floats and found is not None and abs(found - expected) <= Fraction(1, 10**6) * max(1, abs(expected))
        if (found or Fraction(0)) != expected and not close:
            raise VerifyFailed(
                f"with {cause.name} replaced, {a.metric.name} is {float(found or 0):,} by its own query, "
                f"{float(expected):,} by attribution",
                at=a.metric.span,
                affects="no line of the gap is given",
                hint="report this with both definitions: startrail metric show NAME",
            )
    return len(game.causes)


def write_evidence(
    game: Game, gap: Gap, a: Side, b: Side, window: Window | None, warehouse: Warehouse, folder: Path
) -> Written:  # fmt: skip
    """``00_a.sql``, ``00_b.sql``, and per line its SQL and the rows that the cause moves. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [_sql(folder / "00_a.sql", _swapped(game, (), a, b, window)[0], a)]
    everything = tuple(slot for cause in (*game.causes, *game.idle) for slot in cause.slots)
    files.append(_sql(folder / "00_b.sql", _swapped(game, everything, a, b, window)[0], b))
    for line in gap.lines:
        if not line.slots:
            continue
        compiled, side = _swapped(game, line.slots, a, b, window)
        files.append(_sql(folder / f"{_name(line)}.sql", compiled, side))
        cause = next(each for each in game.causes if each.slots == line.slots)
        if is_rows(cause):
            continue
        path = folder / f"{_name(line)}.parquet"
        sql = rows_query(game.found, cause, window, Kinds(a.kinds, b.kinds), MOST_ROWS)
        warehouse.export(Query(sql, a.relations), path, "parquet")
        files.append(path.name)
    return Written(tuple(files))


def _swapped(game: Game, slots: tuple[str, ...], a: Side, b: Side, window: Window | None) -> tuple[Compiled, Side]:
    chosen = frozenset(slots)
    side = b if any(is_rows(cause) for cause in game.causes if set(cause.slots) <= chosen and cause.slots) else a
    return mixed_query(game.found, chosen, window, Kinds(a.kinds, b.kinds)), side


def _number(compiled: Compiled, side: Side, warehouse: Warehouse) -> Fraction | None:
    rows = warehouse.fetch(
        Query(compiled.sql, side.relations, dict(compiled.bound), side.metric.span.file, side.metric.span.line)
    )
    found = dict(zip(compiled.measures, rows.rows[0], strict=True))
    if "denominator" not in found:
        return exact(found["value"])
    over, under = exact(found["numerator"]), exact(found["denominator"])
    return over / under if under else None


def _sql(path: Path, compiled: Compiled, side: Side) -> str:
    views = {each.name: each.sql for each in side.relations if isinstance(each, View)}
    text = as_of(compiled.shown, side.snapshots, views) if side.snapshots else compiled.shown
    path.write_text(text + "\n", encoding="utf-8")
    return path.name


def _name(line: Line) -> str:
    word = "".join(letter if letter.isalnum() else "_" for letter in line.cause)[:40].strip("_")
    return f"{line.evidence}_{word}"
