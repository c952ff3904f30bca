"""Quarantined rows read back from the Parquet files that loading wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import duckdb
import msgspec

from startrail.adapters.warehouse.duckdb import types as sql
from startrail.adapters.warehouse.duckdb.failures import Place, translated
from startrail.ports.loader import Landed, Violation
from startrail.ports.quarantine import Part, Refusal, Tally

_INDEX = re.compile(r"\[[0-9]+\]")
_MEMORY = 200_000_000
_violations = msgspec.json.Decoder(tuple[Violation, ...])


class ParquetQuarantine:
    """Reads through the store; a file of this machine is read where it lies."""

    def __init__(self, store: Landed) -> None:
        self._store = store

    def ordinals(self, file: str | Path) -> list[int]:
        return [row[0] for row in self._each(file, "ordinal")]

    def tally(self, file: str | Path, without: frozenset[int] = frozenset()) -> list[Tally]:
        found: dict[tuple[str, str], tuple[int, str]] = {}
        for ordinal, text in self._each(file, "ordinal, violations"):
            if ordinal in without:
                continue
            seen = {(each.rule, _INDEX.sub("[]", each.path)): each.got for each in reversed(_violations.decode(text))}
            for kind, got in seen.items():
                rows, sample = found.get(kind, (0, got))
                found[kind] = (rows + 1, sample)
        tallies = [Tally(rule, path, rows, sample) for (rule, path), (rows, sample) in found.items()]
        return sorted(tallies, key=lambda tally: (-tally.rows, tally.path, tally.rule))

    def rows(
        self, file: str | Path, *, rule: str | None = None, without: frozenset[int] = frozenset(), limit: int = 20
    ) -> list[Refusal]:
        found: list[Refusal] = []
        for ordinal, raw, text in self._each(file, "ordinal, raw, violations"):
            if len(found) == limit:
                break
            violations = _violations.decode(text)
            if ordinal not in without and (rule is None or any(each.rule == rule for each in violations)):
                found.append(Refusal(ordinal, raw, violations))
        return found

    def export(self, parts: Sequence[Part], path: Path, form: Literal["csv", "json", "parquet"]) -> int:
        options = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json", "parquet": "FORMAT parquet, COMPRESSION zstd"}[form]
        with ExitStack() as stack, _engine() as connection:
            files = [stack.enter_context(self._local(part.key)) for part in parts]
            rows = " UNION ALL ".join(_part(part, file) for part, file in zip(parts, files, strict=True))
            query = f"SELECT * FROM ({rows}) ORDER BY source, delivery, ordinal"
            (count,) = connection.execute(f"COPY ({query}) TO {sql.text(str(path))} ({options})").fetchone() or (0,)
            return int(count)

    def _each(self, file: str | Path, columns: str) -> Iterator[tuple[Any, ...]]:
        """A few thousand rows in memory."""
        with self._local(file) as path, _engine() as connection:
            result = connection.execute(f"SELECT {columns} FROM read_parquet({sql.text(str(path))}) ORDER BY ordinal")
            while rows := result.fetchmany(2048):
                yield from rows

    def _local(self, file: str | Path) -> AbstractContextManager[Path]:
        return nullcontext(file) if isinstance(file, Path) else self._store.local(file)


@contextmanager
def _engine() -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, Any] = {"memory_limit": f"{_MEMORY // 1024}KiB", "threads": 1, "errors_as_json": True}
    with translated(Place(""), memory=_MEMORY), duckdb.connect(":memory:", config=config) as connection:
        yield connection


def _part(part: Part, file: Path) -> str:
    gone = ", ".join(map(str, sorted(part.without)))
    where = f" WHERE ordinal NOT IN ({gone})" if gone else ""
    return (
        f"SELECT {sql.text(part.source)} AS source, delivery, {sql.text(part.name)} AS name, ordinal, raw, "
        f"CAST(violations AS JSON) AS violations, contract, version FROM read_parquet({sql.text(str(file))}){where}"
    )
