"""Two loads of one delivery beside each other: which rows would go, which would come, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.adapters.loader.engine import Engine
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.ports.loader import ORDINAL, Violation
from startrail.ports.rehearsal import OTHERS, Broken, Compared, Example, Look, Moved, Share

if TYPE_CHECKING:
    from startrail.adapters.loader.rehearsal.fields import PartRead

_MOST_EXAMPLES = 10
_EACH = 3
"""Examples of one rule at one path."""
_MOST_VALUES = 1000
"""Of one column of one delivery; the rest counts as one value."""
_MOST_RULES = 200
_MOST_RANGES = 200_000
"""Of ordinals that are gone, which are kept with the result."""
_SHOWN = 1000
"""Characters of an example."""
_VIOLATIONS = '[{"path": "VARCHAR", "rule": "VARCHAR", "expected": "VARCHAR", "got": "VARCHAR"}]'
_DAY = "%Y-%m-%d"


class Comparison:
    """``before``: the files with the rows that are loaded. What is told of the other load goes into the tables ``broken``
    (each promise that a refused record breaks) and ``raws`` (how refused records begin)."""

    def __init__(self, engine: Engine, before: list[Path], look: Look) -> None:
        self.engine = engine
        self._look = look
        self._before = _files(before)
        self._after: str | None = None
        self._rows_after: int | None = None
        self.rows_before = engine.number(f"SELECT count(*) FROM {self._before}") if self._before else 0
        engine.rows("CREATE TABLE broken (ordinal BIGINT, rule VARCHAR, path VARCHAR, expected VARCHAR, got VARCHAR)")
        engine.rows("CREATE TABLE raws (ordinal BIGINT, raw VARCHAR)")

    def refused_file(self, path: Path) -> None:
        """The records that the other load refuses, as loading writes them."""
        file = f"read_parquet({sql.text(str(path))})"
        each = f"SELECT ordinal, UNNEST(from_json(violations, {sql.text(_VIOLATIONS)})) AS v FROM {file}"
        place = r"regexp_replace(v.path, '\[[0-9]+\]', '[]', 'g')"
        self.engine.rows(f"INSERT INTO broken SELECT ordinal, v.rule, {place}, v.expected, v.got FROM ({each})")
        self.engine.rows("DROP TABLE raws")
        self.engine.rows(f"CREATE VIEW raws AS SELECT ordinal, left(raw, {_SHOWN}) AS raw FROM {file}")

    def refused_codes(self, read: PartRead) -> None:
        """The rows that some fields, read again, would have refused."""
        import pyarrow as pa

        kinds = read.violations
        places = {"kind": range(len(kinds))} | {
            name: [getattr(kind, name) for kind in kinds] for name in ("rule", "path", "expected", "got")
        }
        texts = [(name, pa.string()) for name in ("rule", "path", "expected", "got")]
        connection = self.engine.connection
        connection.register("codes", pa.table({"ordinal": _column(read.ordinals), "kind": _column(read.kinds)}))
        connection.register("kinds", pa.table(places, schema=pa.schema([("kind", pa.int64()), *texts])))
        self.engine.rows("DROP TABLE broken")
        self.engine.rows(
            "CREATE TEMP VIEW broken AS SELECT ordinal, rule, path, expected, got FROM codes JOIN kinds USING (kind)"
        )
        raws = {"ordinal": list(read.raws), "raw": [raw[:_SHOWN] for raw in read.raws.values()]}
        connection.register("found", pa.table(raws, schema=pa.schema([("ordinal", pa.int64()), ("raw", pa.string())])))
        self.engine.rows("INSERT INTO raws SELECT ordinal, raw FROM found")

    def loaded(self, files: list[Path], rows: int | None) -> None:
        """The rows that the other load loads: all (``rows`` of them), or (None) only those that would come in."""
        self._after, self._rows_after = _files(files), rows

    def result(self) -> Compared:
        """All differences."""
        gone = 0
        self.engine.rows("CREATE TABLE gone (ordinal BIGINT)")
        if self._before:
            own = f"SELECT {sql.quote(ORDINAL)} FROM {self._before}"
            self.engine.rows(f"INSERT INTO gone SELECT DISTINCT ordinal FROM broken WHERE ordinal IN ({own})")
            gone = self.engine.number("SELECT count(*) FROM gone")
        come = self._come_in(gone)
        return Compared(
            refused=gone,
            let_in=come,
            rules=tuple(self._rules()) if gone else (),
            shares=tuple(self._shares(gone, come)),
            sums=tuple(self._sums(gone, come)),
            examples=tuple(self._examples()) if gone else (),
            gone=self._ranges() if gone else (),
        )

    def _ranges(self) -> tuple[tuple[int, int], ...] | None:
        """The ordinals of what is gone, neighbours together."""
        islands = "SELECT ordinal, ordinal - row_number() OVER (ORDER BY ordinal) AS island FROM gone"
        ranges = f"SELECT min(ordinal), max(ordinal) FROM ({islands}) GROUP BY island ORDER BY ALL LIMIT {_MOST_RANGES + 1}"
        found = tuple((first, last) for first, last in self.engine.rows(ranges))
        return None if len(found) > _MOST_RANGES else found

    def _come_in(self, gone: int) -> int:
        """How many rows come in; the view ``coming`` has them."""
        if not self._after:
            return 0
        if self._rows_after is not None and self._rows_after == self.rows_before - gone:
            return 0  # the loads differ by what is gone, and by nothing else
        where = ""
        if self._before and self._rows_after is not None:
            where = f" WHERE {sql.quote(ORDINAL)} NOT IN (SELECT {sql.quote(ORDINAL)} FROM {self._before})"
        self.engine.rows(f"CREATE TEMP VIEW coming AS SELECT * FROM {self._after}{where}")
        return self.engine.number("SELECT count(*) FROM coming")

    def _rules(self) -> Iterator[Broken]:
        query = (
            "SELECT rule, path, count(DISTINCT ordinal) AS n, arg_min(got, ordinal) FROM broken "
            f"WHERE ordinal IN (SELECT ordinal FROM gone) GROUP BY rule, path ORDER BY n DESC, path, rule LIMIT {_MOST_RULES}"
        )
        for rule, path, rows, sample in self.engine.rows(query):
            yield Broken(rule, path, rows, sample or "")

    def _examples(self) -> Iterator[Example]:
        some = (
            f"SELECT DISTINCT UNNEST(o) AS ordinal FROM (SELECT min(ordinal, {_EACH}) AS o FROM broken "
            "WHERE ordinal IN (SELECT ordinal FROM gone) GROUP BY rule, path)"
        )
        chosen = [ordinal for (ordinal,) in self.engine.rows(f"{some} ORDER BY ordinal LIMIT {_MOST_EXAMPLES}")]
        these = ", ".join(map(str, chosen))
        raws = dict(self.engine.rows(f"SELECT ordinal, raw FROM raws WHERE ordinal IN ({these})"))
        found: dict[int, list[Violation]] = {ordinal: [] for ordinal in chosen}
        query = f"SELECT ordinal, path, rule, expected, got FROM broken WHERE ordinal IN ({these}) ORDER BY ALL"
        for ordinal, *words in self.engine.rows(query):
            found[ordinal].append(Violation(*words))
        for ordinal, violations in found.items():
            yield Example(ordinal, raws.get(ordinal, ""), tuple(violations))

    def _shares(self, gone: int, come: int) -> Iterator[Share]:
        before = self._counts(self._before, gone)
        coming = self._counts("coming", 0) if come else {}
        for key in sorted(before.keys() | coming.keys()):
            rows, refused = before.get(key, (0, 0))
            yield Share(*key, rows, refused, coming.get(key, (0, 0))[0])

    def _counts(self, relation: str | None, gone: int) -> dict[tuple[str, str], tuple[int, int]]:
        """Rows by column and value, and how many of them would go; all columns in one pass."""
        if not relation:
            return {}
        known = self._known(relation)
        columns = ["", *self._look.segments]
        values = [self._day(known), *(_value(column, known) for column in self._look.segments)]
        places = [f"c{index}" for index in range(len(columns))]
        inner = ", ".join(f"{value} AS {place}" for value, place in zip(values, places, strict=True))
        sets = ", ".join(f"({place})" for place in places)
        query = (
            f"SELECT {', '.join(places)}, count(*), count(*) FILTER (g) "
            f"FROM (SELECT {inner}, {self._goes(gone)} AS g FROM {relation}) "
            f"GROUP BY GROUPING SETS ({sets})"
        )
        found: dict[str, list[tuple[str, int, int]]] = {}
        for *row, rows, refused in self.engine.rows(query):
            index = next(index for index, value in enumerate(row) if value is not None)
            found.setdefault(columns[index], []).append((row[index], rows, refused))
        return {(column, value): numbers for column, each in found.items() for value, numbers in _bounded(each)}

    def _sums(self, gone: int, come: int) -> Iterator[Moved]:
        now = self._added_up(self._before, gone)
        coming = self._added_up("coming", 0) if come else {}
        for key in sorted(now.keys() | coming.keys()):
            total, refused = now.get(key, ("0", "0"))
            yield Moved(*key, total, refused, coming.get(key, ("0", "0"))[0])

    def _added_up(self, relation: str | None, gone: int) -> dict[tuple[str, str], tuple[str, str]]:
        """Sums by column and day, and those of the rows that would go."""
        if not relation:
            return {}
        known = self._known(relation)
        columns = [column for column in self._look.sums if known.get(column, "VARCHAR") != "VARCHAR"]
        if not columns:
            return {}
        places = [(f"n{index}", _summable(column, known[column])) for index, column in enumerate(columns)]
        inner = ", ".join(f"{number} AS {place}" for place, number in places)
        sums = ", ".join(f"CAST(sum({place}) AS VARCHAR), CAST(sum({place}) FILTER (g) AS VARCHAR)" for place, _ in places)
        rows_of = f"(SELECT {self._day(known)} AS d, {inner}, {self._goes(gone)} AS g FROM {relation})"
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for day, *totals in self.engine.rows(f"SELECT d, {sums} FROM {rows_of} GROUP BY d"):
            for index, column in enumerate(columns):
                found[column, day] = (totals[2 * index] or "0", totals[2 * index + 1] or "0")
        return found

    def _goes(self, gone: int) -> str:
        """Whether a row of those that are loaded would be refused."""
        if gone in (0, self.rows_before):
            return "true" if gone else "false"
        return f"{sql.quote(ORDINAL)} IN (SELECT ordinal FROM gone)"

    def _known(self, relation: str) -> dict[str, str]:
        """Columns with their types."""
        return {row[0]: str(row[1]) for row in self.engine.rows(f"DESCRIBE SELECT * FROM {relation}")}

    def _day(self, known: dict[str, str]) -> str:
        column = self._look.day_column
        kind = known.get(column or "", "")
        if column is None or not kind.startswith(("DATE", "TIMESTAMP")):
            return sql.text(self._look.day)
        value = f"make_timestamp(epoch_us({sql.quote(column)}))" if "TIME ZONE" in kind else sql.quote(column)
        return f"coalesce(strftime({value}, '{_DAY}'), 'null')"


def _bounded(values: list[tuple[str, int, int]]) -> Iterator[tuple[str, tuple[int, int]]]:
    """The most frequent, and the rest as one."""
    values.sort(key=lambda each: (-each[1], each[0]))
    for value, rows, refused in values[:_MOST_VALUES]:
        yield value, (rows, refused)
    rest = values[_MOST_VALUES:]
    if rest:
        yield OTHERS, (sum(rows for _, rows, _ in rest), sum(refused for _, _, refused in rest))


def _value(column: str, known: dict[str, str]) -> str:
    return f"coalesce(CAST({sql.quote(column)} AS VARCHAR), 'null')" if column in known else "'null'"


def _summable(column: str, kind: str) -> str:
    """Exact where that cannot overflow."""
    wide = kind.startswith("DECIMAL(") and int(kind[8:].split(",")[0]) > 28
    return f"CAST({sql.quote(column)} AS DOUBLE)" if wide else sql.quote(column)


def _files(paths: list[Path]) -> str | None:
    return "read_parquet([" + ", ".join(sql.text(str(path)) for path in paths) + "])" if paths else None


def _column(numbers: object) -> object:
    """Numbers of an array without copying them."""
    import pyarrow as pa

    buffer = memoryview(numbers)  # type: ignore[arg-type]  (a NumPy array is a buffer)
    kind = pa.int64() if buffer.itemsize == 8 else pa.int32()
    return pa.Array.from_buffers(kind, len(buffer), [None, pa.py_buffer(buffer)])
