"""Which modules a program needs, found by reading their imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator

import msgspec


class Text(msgspec.Struct, frozen=True):
    """The source of a module; ``package`` is true for an ``__init__``."""

    source: str
    package: bool


class Closure(msgspec.Struct, frozen=True):
    """``modules`` of our own; ``outside``: top-level names of other people's."""

    modules: tuple[str, ...]
    outside: tuple[str, ...]


Find = Callable[[str], Text | None]


def closure(roots: Iterable[str], find: Find) -> Closure:
    """Everything that the roots import, also within functions, and in turn.

    A package on the way to a module is run, but nobody calls what it defines: of it only what is imported at once counts.
    Imports for type checkers do not count."""
    whole: set[str] = set()
    passed: set[str] = set()
    outside: set[str] = set()
    waiting = [(root, True) for root in roots]
    while waiting:
        name, used = waiting.pop()
        text = find(name)
        if text is None:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names:
                outside.add(top)
            continue
        if name in whole or (name in passed and not used):
            continue
        (whole if used else passed).add(name)
        parts = name.split(".")
        waiting += ((".".join(parts[:length]), False) for length in range(1, len(parts)))
        for node in _imports(ast.parse(text.source), inside=used):
            waiting += _needed(node, find)
    return Closure(tuple(sorted(whole | passed)), tuple(sorted(outside)))


def _needed(node: ast.Import | ast.ImportFrom, find: Find) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, True) for alias in node.names)
        return
    if node.level or node.module is None:
        raise ValueError("relative imports are not used in this house")
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield (inner, True) if find(inner) is not None else (node.module, True)


def _imports(tree: ast.AST, *, inside: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and _is_for_checkers(node.test):
            for other in node.orelse:
                yield from _imports(ast.Module([other], []), inside=inside)
        elif inside or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(node, inside=inside)


def _is_for_checkers(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
