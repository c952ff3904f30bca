"""The order in which models are built."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from startrail.base.span import Span
from startrail.base.text import did_you_mean
from startrail.lineage.errors import CyclicModels, UnmadeTable
from startrail.model.analysis import Analysis
from startrail.model.model import Model


def order(
    models: Mapping[str, Model], analyses: Mapping[str, Analysis], maker: Mapping[str, str], loads: Collection[str] = ()
) -> list[str]:
    """Names such that every model comes after those it reads; ties by name, so the order is always the same.

    ``maker`` names the model that makes a table (a script makes several), ``loads`` the tables that are no model's.
    Raises UnmadeTable, CyclicModels.
    """
    known = {*maker, *loads}
    needs: dict[str, tuple[str, ...]] = {}
    for name in models:
        reads = analyses[name].reads
        _all_known(models[name], reads, known)
        needs[name] = tuple(sorted({maker[table] for table in reads if table in maker}))
    return _sorted(needs, models)


def _all_known(model: Model, reads: Iterable[str], known: set[str]) -> None:
    for table in reads:
        if table not in known:
            raise UnmadeTable(
                f"model '{model.name}' reads '{table}', which no source and no model makes",
                at=_place(model, table),
                affects=f"model '{model.name}' and what reads it",
                hint=did_you_mean(table, known, "add a source or a model that makes it"),
            )


def _place(model: Model, table: str) -> Span:
    """Where the name stands in the SQL; the model's beginning when it is written in another way (quoted, declared)."""
    found = re.search(rf"(?<![\w.]){re.escape(table)}(?![\w.])", model.sql, re.IGNORECASE)
    if found is None:
        return model.span
    before = model.sql[: found.start()]
    return Span(model.path, model.sql_line + before.count("\n"), len(before) - before.rfind("\n"))


def _sorted(needs: Mapping[str, tuple[str, ...]], models: Mapping[str, Model]) -> list[str]:
    """Depth first, without recursion: a chain may be longer than the interpreter's stack."""
    done: dict[str, None] = {}
    for root in sorted(needs):
        path: dict[str, list[str]] = {}
        todo = [root]
        while todo:
            name = todo[-1]
            if name in done:
                todo.pop()
                continue
            waiting = path.setdefault(name, [need for need in needs[name] if need not in done])
            while waiting and waiting[0] in done:
                waiting.pop(0)
            if not waiting:
                done[name] = None
                del path[name]
                todo.pop()
                continue
            if waiting[0] in path:
                raise _cycle([*path], waiting[0], models)
            todo.append(waiting[0])
    return list(done)


def _cycle(path: list[str], again: str, models: Mapping[str, Model]) -> CyclicModels:
    # `path` walks from reader to read; data flows the other way, and so does the message.
    circle = [*path[path.index(again) :], again][::-1]
    return CyclicModels(
        "models depend on each other in a circle: " + " -> ".join(circle),
        at=models[circle[0]].span,
        affects=", ".join(sorted(set(circle))),
        hint="move what they share into a model of its own",
    )
