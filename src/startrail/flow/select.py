"""Which part of the project a command is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from startrail.base.text import did_you_mean
from startrail.flow.errors import UnknownSelection


class Selection:
    """Names of sources, models and reports; everything when nothing was asked for."""

    def __init__(self, names: frozenset[str] | None = None) -> None:
        self._names = names

    def __contains__(self, name: str) -> bool:
        return self._names is None or name in self._names

    @property
    def everything(self) -> bool:
        return self._names is None


def select(patterns: Iterable[str], graph: Mapping[str, frozenset[str]]) -> Selection:
    """``marts.*``, ``+marts.sales`` (with all it is made from), ``raw.orders+`` (with all that is made from it).

    ``graph`` maps every name to the names it is made from. No pattern selects everything. Raises UnknownSelection.
    """
    patterns = tuple(patterns)
    if not patterns:
        return Selection()
    made_from: dict[str, set[str]] = {name: set() for name in graph}
    for name, parents in graph.items():
        for parent in parents:
            made_from.setdefault(parent, set()).add(name)
    chosen: set[str] = set()
    for pattern in patterns:
        bare = pattern.removeprefix("+").removesuffix("+")
        matches = {name for name in graph if fnmatchcase(name, bare)}
        if not matches:
            raise UnknownSelection(f"--select '{pattern}' names nothing in this project", hint=did_you_mean(bare, graph))
        chosen |= matches
        if pattern.startswith("+"):
            chosen |= _reach(matches, graph)
        if pattern.endswith("+"):
            chosen |= _reach(matches, made_from)
    return Selection(frozenset(chosen))


def _reach(start: set[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    front = list(start)
    while front:
        for name in edges.get(front.pop(), ()):
            if name not in found:
                found.add(name)
                front.append(name)
    return found
