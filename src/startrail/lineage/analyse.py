"""The door of this room: one text in, one :class:`Analysis` out."""

from __future__ import annotations

from startrail.model.analysis import Analysis


def analyse(sql: str, *, dialect: str = "duckdb", script: bool = False, path: str, first_line: int = 1) -> Analysis:
    """What one model's SQL says about itself, by parsing only.

    ``path`` and ``first_line`` say where the text stands, for errors. ``script`` allows several statements that
    create and change tables. Raises ModelError subclasses ST400 to ST406 with file, line and column.
    """
    from startrail.lineage import columns, scopes, syntax, windows  # sqlglot: a third of a second, only when SQL changed

    text = syntax.Text(sql, path, first_line)
    tree = syntax.parse(text, dialect, script=script)
    tables = scopes.tables(tree, text)
    if script:
        written = scopes.written(tree, tables)
        return Analysis(
            fingerprint=tree.fingerprint,
            reads=written.reads,
            writes=written.writes,
            reads_own=written.reads_own,
            parameters=tree.parameters,
            columns=columns.used(tree, tables, written.reads),
        )
    found, by_day = windows.confined(tables)
    reads = tuple(dict.fromkeys(table.name for table in tables))
    return Analysis(
        fingerprint=tree.fingerprint,
        reads=reads,
        parameters=tree.parameters,
        windows=found,
        day_windows=by_day,
        columns=columns.used(tree, tables, reads),
        passes=windows.passed(tree.statements[0], tables),
    )
