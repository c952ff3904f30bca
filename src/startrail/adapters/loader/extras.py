"""The undeclared fields of staged rows, read back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from startrail.adapters.loader.engine import MEMORY, Engine, files_list
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.ports.loader import EXTRA, LocalFile


def extras(files: Sequence[LocalFile]) -> Iterator[str]:
    """``_extra`` of the rows that have one, in the order of the files."""
    if not files:
        return
    extra = sql.quote(EXTRA)
    with (
        tempfile.TemporaryDirectory(prefix="extras-", dir=files[0].path.parent) as folder,
        closing(Engine(Path(folder), memory=MEMORY, threads=1)) as engine,
    ):
        for (text,) in engine.each(f"SELECT {extra} FROM {files_list(list(files))} WHERE {extra} IS NOT NULL"):
            yield text
