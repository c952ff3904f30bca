"""One call's own small world: a catalog with exactly the tables it was given, and a folder for its files."""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from startrail.adapters.warehouse.duckdb.failures import Place, translated
from startrail.adapters.warehouse.duckdb.statements import only_select
from startrail.adapters.warehouse.duckdb.types import quote, read_schema, text, word
from startrail.model.table import Column, Relation, TableSchema, View
from startrail.model.types import StructOf
from startrail.ports.store import Store
from startrail.ports.warehouse import Readable, Rowset


class Sandbox:
    """``cursor`` resolves ``namespace.name`` in the call's own catalog; ``folder`` is its own folder."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, folder: Path, memory: int) -> None:
        self.cursor = cursor
        self.folder = folder
        self.memory = memory
        self.files: dict[str, str] = {}
        """Path in the folder -> store key."""

    def run(self, sql: str, place: Place, parameters: dict[str, object] | None = None) -> duckdb.DuckDBPyConnection:
        """Execute text of ours around, or of, the user's."""
        with translated(place, memory=self.memory, files=self.files):
            return self.cursor.execute(sql, parameters) if parameters else self.cursor.execute(sql)

    def rows(self, limit: int | None = None) -> list[tuple[object, ...]]:
        return self.cursor.fetchall() if limit is None else self.cursor.fetchmany(limit)


@contextmanager
def opened(
    engine: duckdb.DuckDBPyConnection,
    folder: Path,
    store: Store,
    memory: int,
    relations: Iterable[Readable],
    writable: Iterable[str] = (),
) -> Iterator[Sandbox]:
    """Attach a fresh catalog, fill it with the relations, and take all of it away again at the end.

    ``writable`` names the tables that a script changes: their rows are copied into a scratch table first.
    """
    catalog = quote(f"call_{secrets.token_hex(6)}")
    box = Sandbox(engine.cursor(), folder, memory)
    changed = set(writable)
    everything = list(relations)
    with ExitStack() as held:
        setup = [f"ATTACH ':memory:' AS {catalog}", f"USE {catalog}"]
        held.callback(_take_away, box, catalog, script=bool(changed))
        namespaces = {name.partition(".")[0] for name in {relation.name for relation in everything} | changed}
        setup += [f"CREATE SCHEMA {quote(namespace)}" for namespace in sorted(namespaces)]
        for relation in everything:
            if isinstance(relation, Relation):
                kind = "TABLE" if relation.name in changed else "VIEW"
                setup.append(f"CREATE {kind} {table(relation.name)} AS {_reading(box, held, store, relation)}")
        box.run(";\n".join(setup), Place(""))
        for relation in everything:
            if isinstance(relation, Rowset):
                _write_down(box, relation)
            elif isinstance(relation, View):
                _define(box, relation)
        yield box


def _take_away(box: Sandbox, catalog: str, *, script: bool) -> None:
    # After a fatal error the whole database is gone, and the error that matters is on its way up.
    if script:
        with contextlib.suppress(duckdb.Error):
            box.cursor.execute("ROLLBACK")  # a BEGIN without COMMIT; nothing can be detached inside it
    with contextlib.suppress(duckdb.Error):
        box.cursor.execute(f"USE memory; DETACH {catalog}")
    box.cursor.close()
    shutil.rmtree(box.folder, ignore_errors=True)


def table(name: str) -> str:
    """A table's name as it stands in SQL."""
    namespace, _, bare = name.partition(".")
    return f"{quote(namespace)}.{quote(bare)}"


def _reading(box: Sandbox, held: ExitStack, store: Store, relation: Relation) -> str:
    """SQL for the rows of files, by field id: a missing column is NULL, a renamed one keeps its values."""
    if not relation.files:
        return nothing(relation.schema)
    if any(column.id == 0 for column in relation.schema.columns):
        raise ValueError(f"{relation.name} cannot be read by field id: its schema has none")
    paths = [_link(box, held.enter_context(store.local(file.key)), file.key) for file in relation.files]
    fields = (read_schema(column.name, column.type, column.id, iter(column.nested)) for column in relation.schema.columns)
    names = ", ".join(map(_whole, relation.schema.columns))
    return (
        f"SELECT {names} FROM read_parquet([{', '.join(text(path) for path in paths)}], "
        f"hive_partitioning = false, schema = MAP {{{', '.join(fields)}}})"
    )


def _whole(column: Column) -> str:
    """A column as it is. The engine (2.0) would read single fields of an object on their own, and dies of it where a
    file lacks the whole column; behind a CASE it does not."""
    name = quote(column.name)
    return f"CASE WHEN {name} IS NOT NULL THEN {name} END AS {name}" if isinstance(column.type, StructOf) else name


def nothing(schema: TableSchema) -> str:
    """SQL for no rows with the columns of a schema."""
    return (
        "SELECT "
        + ", ".join(f"CAST(NULL AS {word(column.type)}) AS {quote(column.name)}" for column in schema.columns)
        + " WHERE false"
    )


def _link(box: Sandbox, path: Path, key: str) -> str:
    """The file under a name of its own in the call's folder, the only place that the engine may read.

    A hard link costs nothing and keeps the bytes while the call lasts; symbolic links the engine would follow
    to the forbidden place. Across file systems the bytes are copied.
    """
    link = box.folder / f"{len(box.files)}.parquet"
    box.files[str(link)] = key
    try:
        link.hardlink_to(path.resolve())
    except FileNotFoundError:
        pass  # the engine says so, with the store key, when it reads
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
        shutil.copyfile(path, link)
    return str(link)


def _define(box: Sandbox, view: View) -> None:
    before = f"CREATE VIEW {table(view.name)} AS\n"
    place = Place(view.sql, f"view {view.name}", before=len(before.encode()))
    box.run(before + only_select(box.cursor, view.sql, place), place)


def _write_down(box: Sandbox, rowset: Rowset) -> None:
    columns = ", ".join(f"{quote(column.name)} {word(column.type)}" for column in rowset.schema.columns)
    name = table(rowset.name)
    box.run(f"CREATE TABLE {name} ({columns})", Place(""))
    if rowset.rows:
        row = "(" + ", ".join("?" for _ in rowset.schema.columns) + ")"
        values = [value for values in rowset.rows for value in values]
        with translated(Place(""), memory=box.memory):
            box.cursor.execute(f"INSERT INTO {name} VALUES {', '.join([row] * len(rowset.rows))}", values)
