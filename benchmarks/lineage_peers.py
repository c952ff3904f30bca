"""Ask one tool for the direct column lineage of all statements, in that tool's own environment.

python lineage_peers.py startrail|sqlglot|sqllineage CASES.json TIMES
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

Edges = list[list[str]]
_TABLES = {
    "orders": ["id", "customer", "amount", "status", "day"],
    "lines": ["order_id", "sku", "units", "price"],
    "customers": ["id", "name", "country"],
    "rates": ["day", "rate"],
}
_SCHEMA = {table: dict.fromkeys(columns, "int") for table, columns in _TABLES.items()}
_NAMES = {"spark": "sparksql"}


def main() -> None:
    tool, path, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cases = json.loads(path.read_text())
    ask = {"startrail": _startrail, "sqlglot": _sqlglot, "sqllineage": _sqllineage}[tool]()
    edges = [_answer(ask, case) for case in cases]
    started = time.process_time()
    for _ in range(times):
        for case in cases:
            _answer(ask, case)
    print(json.dumps({"edges": edges, "seconds": time.process_time() - started}))


def _answer(ask: Callable[[str, str], Edges], case: dict) -> Edges | None:
    try:
        return ask(case["sql"], case["dialect"])
    except Exception:  # a refusal counts as no answer
        return None


def _startrail() -> Callable[[str, str], Edges]:
    from startrail.lineage.trace.script import trace

    def ask(sql: str, dialect: str) -> Edges:
        found = trace(sql, dialect, _SCHEMA)
        return [[str(e.target), str(e.source)] for table in found.tables for e in table.edges() if e.kind == "direct"]

    return ask


def _sqlglot() -> Callable[[str, str], Edges]:
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage

    def ask(sql: str, dialect: str) -> Edges:
        tree = parse_one(sql, dialect=dialect)
        target = ""
        if isinstance(tree, exp.Create | exp.Insert):
            target = f"{next(tree.find_all(exp.Table)).name}."
            tree = tree.expression
        found = lineage(None, tree, _SCHEMA, dialect=dialect, trim_selects=False)
        return [
            [f"{target}{column}", f"{node.expression.name}.{node.name.split('.')[-1]}"]
            for column, root in found.items()
            for node in root.walk()
            if isinstance(node.expression, exp.Table)
        ]

    return ask


def _sqllineage() -> Callable[[str, str], Edges]:
    from sqllineage.core.metadata.dummy import DummyMetaDataProvider  # type: ignore[missing-import]
    from sqllineage.runner import LineageRunner  # type: ignore[missing-import]

    metadata = DummyMetaDataProvider({f"<default>.{table}": columns for table, columns in _TABLES.items()})

    def ask(sql: str, dialect: str) -> Edges:
        # It knows written tables only: a query is asked for as the table it would make.
        query = sql.lstrip().lower().startswith(("select", "with")) and "insert" not in sql and ";" not in sql
        text = f"create table result_ as {sql}" if query else sql
        runner = LineageRunner(text, dialect=_NAMES.get(dialect, dialect), metadata_provider=metadata)
        return [[_plain(path[-1]), _plain(path[0])] for path in runner.get_column_lineage()]

    return ask


def _plain(column: object) -> str:
    return str(column).replace("<default>.", "").removeprefix("result_.")


if __name__ == "__main__":
    main()
