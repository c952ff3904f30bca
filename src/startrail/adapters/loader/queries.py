"""The SQL of loading, generated from a contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from startrail.adapters.loader.blocks import LONGEST
from startrail.adapters.loader.convert import Form, conversion, source_type
from startrail.adapters.loader.engine import SOURCE, files_list
from startrail.adapters.loader.native.plan import NativePlan
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.time import PARTITION_PATTERNS
from startrail.model.table import TableSchema
from startrail.model.types import Primitive
from startrail.ports.loader import DELIVERY, EXTRA, ORDINAL, LoadTask, LocalFile

_LITTLE = 1 << 20
"""Bytes that the engine is told a record may have, where all are shorter: its buffers are as large, and small ones are
sooner written again."""
_MOST_WORDS = 255
"""Of a type that takes one byte."""
_TEXT = Primitive("string")


class Queries:
    """``form``: how values stand in the stream of this delivery."""

    def __init__(self, task: LoadTask, form: Form) -> None:
        self._task = task
        self._form: Form = form

    def streamed(
        self,
        path: str,
        offset: int = 0,
        absent: Mapping[str, str] | None = None,
        longest: int = LONGEST + (1 << 16),
        growing: int | None = None,
    ) -> str:
        """Rows of a stream in which every field is fine; ``offset`` records came before it. ``absent`` columns are not in
        it and have these values. No record has more bytes than ``longest``. ``growing``: see :meth:`numbered`."""
        source = f"{sql.quote(EXTRA)} AS extra, {sql.quote(ORDINAL)} AS numbered FROM {self._reader(path, self._form, longest)}"
        return self.numbered(self._judged_rows(source, "numbered IS NULL", absent), offset, growing)

    def lying(self, path: str, longest: int, decided: str | None = None, growing: int | None = None) -> str:
        """The same of a delivery as it lies there. ``decided``: the path of a file with numbers of lines that are left out,
        and that need not be JSON."""
        types = {field.name: source_type(field.type, self._form) for field in self._task.contract.fields}
        source = f"NULL AS extra, NULL AS numbered FROM {_read_json(path, types, longest, broken=decided is not None)}"
        if decided is None:
            return self.numbered(self._judged_rows(source), 0, growing, extra=False)
        there = " OR ".join(f"s{index} IS NOT NULL" for index in range(len(types)))
        holes = f"SELECT o FROM read_csv({decided}, columns = {{'o': 'BIGINT'}}, header = false, auto_detect = false)"
        return f"{self.numbered(self._judged_rows(source, f'({there})'), 0, growing, extra=False)} AND ordinal NOT IN ({holes})"

    def _judged_rows(self, source: str, condition: str = "true", absent: Mapping[str, str] | None = None) -> str:
        """Rows with ``v0``, ``v1`` and so on, ``extra`` and ``fine``.

        Values are made in one query and judged in the one around it, and both stand below the numbering, so that the
        engine does not make them twice.
        """
        required = frozenset(self._task.contract.primary_key)
        words = self._task.dialect.null_words if self._form == "text" else ()
        sources, values, fine = [], [], [condition]
        for index, field in enumerate(self._task.contract.fields):
            name, place = f"v{index}", f"s{index}"
            if absent and field.name in absent:
                values.append(f"{absent[field.name]} AS {name}")
                continue
            sources.append(f"{sql.quote(field.name)} AS {place}")
            unseen = self._form == "text" or bool(field.format.null_words)
            must = unseen and (field.required or field.name in required)
            found = conversion(field, place, self._form, words, must=must)
            values += [place, f"{found.value} AS {name}"]
            checked = found.fine_of(name, place)
            if checked is not None:
                fine.append(checked)
        made = f"SELECT {', '.join(values)}, extra, numbered FROM (SELECT {', '.join([*sources, source])})"
        columns = ", ".join(f"v{index}" for index in range(len(self._task.contract.fields)))
        return f"SELECT {columns}, extra, coalesce({' AND '.join(fine)}, false) AS fine FROM ({made})"

    def numbered(self, rows: str, offset: int = 0, growing: int | None = None, *, extra: bool = True) -> str:
        """Of rows with ``v0``, ``v1`` and so on, ``extra`` and ``fine``: those that are fine, in the table's columns.
        ``extra`` False: it is null in all.
        ``growing``: and whose value of that number is null, or greater than those of the two rows before."""
        before, grows = "", ""
        if growing is not None:
            value = f"v{growing}"
            before = f", lag({value}) OVER () AS before, lag({value}, 2) OVER () AS earlier"
            grows = f" AND (coalesce({value} > greatest(before, earlier), {value} IS NULL) OR ordinal = {offset} + 1)"
        numbered = f"SELECT *, row_number() OVER () + {offset} AS ordinal{before} FROM ({rows})"
        return f"SELECT {self._columns(self._words(extra=extra), extra=extra)} FROM ({numbered}) WHERE fine{grows}"

    def native(self, plan: NativePlan) -> str:
        """Rows of what the native reader hands over."""
        conditions = [found.fine for found in plan.conversions if found.fine is not None]
        fine = " AND ".join(conditions + (["ordinal > 0"] if plan.keys else []))
        values = [f"{found.value} AS v{index}" for index, found in enumerate(plan.conversions)]
        where = f" WHERE coalesce({fine}, false)" if fine else ""
        inner = f"SELECT {', '.join([*values, 'ordinal', 'extra'])} FROM {SOURCE}{where}"
        return f"SELECT {self._columns(self._words())} FROM ({inner})"

    def made(self, rows: str) -> str:
        """Of rows with ``v0``, ``v1`` and so on, ``extra`` and ``ordinal``: all, in the table's columns."""
        return f"SELECT {self._columns()} FROM ({rows})"

    def saved(self, path: Path) -> str:
        """Rows that the judge accepted and wrote down in canonical form."""
        values = [
            f"{conversion(field, sql.quote(field.name), 'canonical').value} AS v{index}"
            for index, field in enumerate(self._task.contract.fields)
        ]
        reader = self._reader(sql.text(str(path)), "canonical")
        inner = f"SELECT {', '.join(values)}, {sql.quote(EXTRA)} AS extra, {sql.quote(ORDINAL)} AS ordinal FROM {reader}"
        return f"SELECT {self._columns()} FROM ({inner})"

    def refused(self, path: Path) -> str:
        """The quarantine: what stood in the delivery, and all that is wrong with it."""
        contract = self._task.contract
        types = {"ordinal": "BIGINT", "raw": "VARCHAR", "violations": "VARCHAR"}
        return (
            f"SELECT {sql.text(self._task.delivery)} AS delivery, ordinal, raw, violations, "
            f"{sql.text(contract.name)} AS contract, {sql.text(contract.version)} AS version "
            f"FROM {_read_json(sql.text(str(path)), types)} ORDER BY ordinal"
        )

    def missing(self, files: list[LocalFile], rows: int) -> str:
        """Ordinals that no staged row has, ascending."""
        everything = f"SELECT o FROM range(1, {rows + 1}) AS r(o)"
        return f"{everything} WHERE o NOT IN (SELECT {sql.quote(ORDINAL)} FROM {files_list(files)}) ORDER BY o"

    def unique_keys(self) -> list[tuple[str, ...]]:
        """Groups of columns whose values may stand only once in a delivery."""
        contract = self._task.contract
        found = [contract.primary_key] if contract.primary_key else []
        return found + [(f.name,) for f in contract.fields if f.unique and (f.name,) != contract.primary_key]

    def gaps(self, files: list[LocalFile]) -> str:
        """Places in which a row's ordinal does not follow that of the row before it, and both."""
        own = sql.quote(ORDINAL)
        rows = f"SELECT lag({own}, 1, 0) OVER () AS before, {own} AS here FROM {files_list(files)}"
        return f"SELECT before, here FROM ({rows}) WHERE here != before + 1"

    def last(self, files: list[LocalFile]) -> str:
        """The greatest ordinal."""
        return f"SELECT max({sql.quote(ORDINAL)}) FROM {files_list(files)}"

    def whole_numbers(self, columns: tuple[str, ...]) -> bool:
        """Whether a key is one column of whole numbers."""
        found = self._task.schema.column(columns[0]) if len(columns) == 1 else None
        return found is not None and str(found.type) in ("int", "long")

    def bounds(self, files: list[LocalFile], column: str) -> str:
        """Least and greatest value of a column, and how many are not null; mostly known from the files' statistics."""
        name = sql.quote(column)
        return f"SELECT min({name}), max({name}), count({name}) FROM {files_list(files)}"

    def different(self, files: list[LocalFile], column: str, low: int, high: int) -> str:
        """How many different whole numbers there are, all of them between these: each has a bit of its own."""
        name = f"CAST({sql.quote(column)} AS BIGINT)"
        least, greatest = (f"CAST({sql.text(str(value))} AS BIGINT)" for value in (low, high))
        return f"SELECT bit_count(bitstring_agg({name}, {least}, {greatest})) FROM {files_list(files)}"

    def count_repeated(self, files: list[LocalFile], columns: tuple[str, ...]) -> str:
        """How many rows have a key that an earlier row has; null is never a repetition."""
        names = ", ".join(map(sql.quote, columns))
        present = " AND ".join(f"{sql.quote(column)} IS NOT NULL" for column in columns)
        return (
            f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM {files_list(files)} "
            f"WHERE {present} GROUP BY {names} HAVING count(*) > 1)"
        )

    def repeated(self, files: list[LocalFile], columns: tuple[str, ...], among: list[LocalFile] | None = None) -> str:
        """Ordinals of all rows but the first of each repeated key; ``among``: of the keys in these files only."""
        names = ", ".join(map(sql.quote, columns))
        present = " AND ".join(f"{sql.quote(column)} IS NOT NULL" for column in columns)
        if among is not None:
            present += f" AND ({names}) IN (SELECT ({names}) FROM {files_list(among)})"
        own = sql.quote(ORDINAL)
        firsts = (
            f"SELECT {names}, min({own}) AS {own} FROM {files_list(files)} WHERE {present} GROUP BY {names} HAVING count(*) > 1"
        )
        return (
            f"SELECT found.{own} FROM {files_list(files)} AS found JOIN ({firsts}) AS firsts USING ({names}) "
            f"WHERE found.{own} != firsts.{own}"
        )

    def holding(self, files: list[LocalFile], ordinals: list[int]) -> str:
        """Paths of those files that have one of these rows."""
        wanted = f"SELECT UNNEST([{', '.join(map(str, ordinals))}])"
        reader = files_list(files).removesuffix(")") + ", filename = true)"
        return f"SELECT DISTINCT filename FROM {reader} WHERE {sql.quote(ORDINAL)} IN ({wanted})"

    def without(self, files: list[LocalFile], ordinals: list[int]) -> str:
        gone = f"SELECT UNNEST([{', '.join(map(str, ordinals))}])"
        return f"SELECT * FROM {files_list(files)} WHERE {sql.quote(ORDINAL)} NOT IN ({gone})"

    def touched(self, files: list[LocalFile], column: str, grain: str) -> str:
        """Rows per partition of a time column. Instants count in UTC; another type is one partition."""
        found = self._task.schema.column(column)
        kind = "" if found is None else str(found.type)
        if kind not in ("date", "timestamp", "timestamptz"):
            return f"SELECT 'all', count(*) FROM {files_list(files)}"
        value = sql.quote(column)
        if kind == "timestamptz":
            value = f"make_timestamp(epoch_us({value}))"
        starts = f"SELECT date_trunc('{grain}', {value}) AS p, count(*) AS n FROM {files_list(files)} GROUP BY p"
        name = f"coalesce(strftime(p, '{PARTITION_PATTERNS[grain]}'), 'null')"
        return f"SELECT {name} AS name, n::BIGINT FROM ({starts}) ORDER BY name"

    def _reader(self, path: str, form: Form, longest: int = LONGEST + (1 << 16)) -> str:
        types = {field.name: source_type(field.type, form) for field in self._task.contract.fields}
        return _read_json(path, {**types, ORDINAL: "BIGINT", EXTRA: "VARCHAR"}, longest)

    def _columns(self, words: Mapping[str, Sequence[str]] | None = None, *, extra: bool = True) -> str:
        """The columns of the table, in its order; one that the contract no longer declares is null, as ``extra`` False is.
        ``words``: see :meth:`_words`."""
        own = {DELIVERY: sql.text(self._task.delivery), ORDINAL: "ordinal", EXTRA: "extra" if extra else "NULL"}
        places = {field.name: f"v{index}" for index, field in enumerate(self._task.contract.fields)}
        schema: TableSchema = self._task.schema
        found = []
        for column in schema.columns:
            value = own.get(column.name) or places.get(column.name) or "NULL"
            kind = _one_of((words or {}).get(column.name, ())) if column.type == _TEXT else None
            found.append(f"CAST({value} AS {kind or sql.word(column.type)}) AS {sql.quote(column.name)}")
        return ", ".join(found)

    def _words(self, *, extra: bool = True) -> dict[str, Sequence[str]]:
        """Columns of rows that are fine, in which all texts are known beforehand. Rows that the judge let in are not among
        them: a policy may accept what a list of words does not name.

        Such a text has a type of its own in the engine, which spares it to find out, in order to write them, how many there
        are; in the file it is a text as any.
        """
        words: dict[str, Sequence[str]] = {DELIVERY: (self._task.delivery,), EXTRA: () if extra else ("",)}
        for field in self._task.contract.fields:
            if field.enum is not None and not field.enum_open and field.default in (None, *field.enum):
                words[field.name] = field.enum
        return words


def _one_of(words: Sequence[str]) -> str | None:
    """The type of texts that are one of these; None where there had better be none."""
    different = dict.fromkeys(words)
    return None if not 0 < len(different) <= _MOST_WORDS else f"ENUM({', '.join(map(sql.text, different))})"


def room_for(block: int) -> int:
    """Bytes that a record may have, for the engine, where no block of records has more than ``block``."""
    return max(2 * block, _LITTLE)


def _read_json(path: str, types: dict[str, str], longest: int = LONGEST + (1 << 16), *, broken: bool = False) -> str:
    """``broken``: a line that cannot be read is a row of nulls."""
    columns = ", ".join(f"{sql.text(name)}: {sql.text(kind)}" for name, kind in types.items())
    return (
        f"read_json({path}, columns = {{{columns}}}, format = 'newline_delimited', records = 'true', "
        f"compression = 'uncompressed', maximum_object_size = {longest}{', ignore_errors = true' if broken else ''})"
    )
