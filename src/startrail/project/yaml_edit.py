"""Changes to YAML text by place: what is not changed keeps its comments, order, quotes and line ends.

Each function takes a text and gives the changed one. Every change is read back: a text in which anything else than was
asked for would mean something else is refused with ST384, never returned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import yaml

from startrail.base.errors import ContractError, StartrailError
from startrail.base.span import Span
from startrail.base.text import printable
from startrail.project.yaml import Node, parse, read_text
from startrail.project.yaml_write import Verbatim, Yaml, block, flow, fresh, meaning, scalar

__all__ = ["CannotEdit", "Path", "Verbatim", "Yaml", "append", "put", "remove", "replace", "value_at"]

Path = tuple[str | int, ...]
"""Keys and positions from the top: ``("schema", 0, "properties")``."""


class CannotEdit(ContractError):
    """A change to a file cannot be written without touching more than it is about.

    The file is laid out in a way that is not understood, or no place of the wanted name is there. Make the change by
    hand; the message says which.
    """

    code = "ST384"


def put(text: str, path: Path, value: Yaml) -> str:
    """Set the value at ``path``; keys that are missing on the way are added. Raises CannotEdit (ST384)."""
    top = _compose(text)
    node, depth = top, 0
    while depth < len(path) and (child := node.child(path[depth])) is not None:
        node, depth = child, depth + 1
    rest = path[depth:]
    if not rest:
        changed = _replaced(text, node, value)
    elif node.entries is None or not all(isinstance(key, str) for key in rest):
        raise CannotEdit(f"there is no place {_shown(path)} in the file", hint="make the change by hand")
    else:
        for key in reversed(rest[1:]):
            value = {str(key): value}
        changed = _inserted(text, node, value, str(rest[0]))
        value = value_at(changed, path)
    return _checked(text, changed, path, lambda tree: _with(tree, path, meaning(value)))


def replace(text: str, path: Path, value: Yaml) -> str:
    """As :func:`put`; a value of several lines is written anew, and comments inside it go with it. Raises CannotEdit (ST384)."""
    parent = _find(_compose(text), path[:-1])
    node = parent.child(path[-1]) if parent is not None else None
    in_place = node is None or node.in_flow or (node.quote not in ("|", ">") and not node.entries and not node.items)
    if parent is None or node is None or in_place:
        return put(text, path, value)
    key, begin = str(path[-1]), parent.begins()[parent.position(path[-1])]
    lines = block({key: value}, " " * parent.column) if parent.entries is not None else fresh(value, "", in_flow=True)
    changed = text[:begin] + _newline(text).join(lines).lstrip() + text[_end_of_line(text, node.end) :]
    return _checked(text, changed, path, lambda tree: _with(tree, path, meaning(value)))


def append(text: str, path: Path, value: Yaml) -> str:
    """Add an item to the end of the list at ``path``, which is made where it is missing. Raises CannotEdit (ST384)."""
    node = _find(_compose(text), path)
    if node is None or (node.items is None and node.is_null):
        return put(text, path, [value])
    if node.items is None:
        raise CannotEdit(f"{_shown(path)} is no list", hint="make the change by hand")
    changed = _inserted(text, node, value, None)
    return _checked(text, changed, path, lambda tree: _appended(tree, path, meaning(value)))


def remove(text: str, path: Path) -> str:
    """Take out the key or item at ``path``. Raises CannotEdit (ST384)."""
    parent = _find(_compose(text), path[:-1])
    if parent is None or parent.child(path[-1]) is None:
        raise CannotEdit(f"there is no place {_shown(path)} in the file", hint="make the change by hand")
    changed = _cut(text, parent, parent.position(path[-1]))
    return _checked(text, changed, path, lambda tree: _without(tree, path))


def value_at(text: str, path: Path) -> Any:
    """What stands at ``path``: text, numbers, lists and mappings; None where nothing does."""
    tree: Any = _tree(parse(text, ""))
    for key in path:
        if not isinstance(tree, (dict, list)) or (isinstance(tree, list) and not (isinstance(key, int) and key < len(tree))):
            return None
        tree = tree.get(key) if isinstance(tree, dict) else tree[key]  # type: ignore[call-overload]
    return tree


class _Part(msgspec.Struct):
    """A value and where its text begins and ends. ``column`` is that of its first key or dash, for block style."""

    start: int
    end: int
    column: int
    in_flow: bool = False
    is_null: bool = False
    quote: str = ""
    entries: list[tuple[str, int, _Part]] | None = None
    """Of a mapping: key, where the key begins, value."""
    items: list[_Part] | None = None

    def child(self, key: str | int) -> _Part | None:
        if self.entries is not None:
            return next((part for name, _, part in self.entries if name == key), None)
        if self.items is not None and isinstance(key, int) and 0 <= key < len(self.items):
            return self.items[key]
        return None

    def position(self, key: str | int) -> int:
        return key if isinstance(key, int) else [name for name, _, _ in self.entries or []].index(key)

    def begins(self) -> list[int]:
        """Where each entry or item begins (an item after its dash)."""
        return [at for _, at, _ in self.entries] if self.entries is not None else [part.start for part in self.items or []]

    def ends(self) -> list[int]:
        return [part.end for _, _, part in self.entries] if self.entries is not None else [part.end for part in self.items or []]


def _compose(text: str) -> _Part:
    """Raises what reading YAML raises (ST101 to ST111)."""
    parse(read_text(text.encode(), "the file"), "the file")
    node = yaml.compose(text, Loader=yaml.BaseLoader)
    if node is None:
        raise CannotEdit("the file is empty", hint="write it first")
    return _part(node, text)


def _part(node: Any, text: str) -> _Part:
    start, column = node.start_mark.index, node.start_mark.column
    if isinstance(node, yaml.ScalarNode):
        end = node.end_mark.index
        while end > start and text[end - 1] in " \t\r\n":
            end -= 1
        return _Part(start, end, column, is_null=node.style is None and not node.value, quote=node.style or "")
    if isinstance(node, yaml.MappingNode):
        found = _Part(start, node.end_mark.index, column, bool(node.flow_style), entries=[])
        found.entries = [(key.value, key.start_mark.index, _part(value, text)) for key, value in node.value]
    else:
        found = _Part(start, node.end_mark.index, column, bool(node.flow_style), items=[])
        found.items = [_part(value, text) for value in node.value]
    if not found.in_flow:
        found.end = max(found.ends(), default=found.start)
    return found


def _find(node: _Part, path: Path) -> _Part | None:
    found: _Part | None = node
    for key in path:
        found = found.child(key) if found is not None else None
    return found


def _replaced(text: str, node: _Part, value: Yaml) -> str:
    if node.quote in ("|", ">") or (not node.in_flow and (node.entries or node.items)):
        raise CannotEdit("a value of several lines would be replaced", hint="make the change by hand")
    written = flow(value) if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str) else scalar(value, node.quote)
    space = " " if node.is_null and text[node.start - 1 : node.start] == ":" else ""
    return text[: node.start] + space + written + text[node.end :]


def _inserted(text: str, node: _Part, value: Yaml, key: str | None) -> str:
    """``value`` as the last item of the list, or under ``key`` as the last entry of the mapping."""
    ends = node.ends()
    if node.in_flow:
        return _inserted_in_flow(text, node, flow(value) if key is None else f"{scalar(key)}: {flow(value)}")
    if not ends:
        raise CannotEdit("an empty place of the file cannot be filled", hint="make the change by hand")
    line_end = _end_of_line(text, ends[-1])
    pad = " " * node.column
    if key is not None:
        lines = block({key: value}, pad)
    else:
        last = (node.items or [])[-1]
        lines = fresh(value, pad, in_flow=last.in_flow or last.entries is None)
    newline = _newline(text)
    return text[:line_end] + "".join(newline + line for line in lines) + text[line_end:]


def _inserted_in_flow(text: str, node: _Part, written: str) -> str:
    begins, ends = node.begins(), node.ends()
    if not ends:
        return text[: node.start + 1] + written + text[node.end - 1 :]
    last = ends[-1]
    line_start = text.rfind("\n", 0, begins[-1]) + 1
    alone = line_start > node.start and not text[line_start : begins[-1]].strip()
    line_end = _end_of_line(text, last)
    if not alone or line_end >= node.end:
        return text[:last] + f", {written}" + text[last:]
    comma = "" if text[last:line_end].lstrip().startswith(",") else ","
    line = _newline(text) + text[line_start : begins[-1]] + written
    return text[:last] + comma + text[last:line_end] + line + text[line_end:]


def _cut(text: str, parent: _Part, at: int) -> str:
    """The text without the entry or item at this position."""
    begins, ends = parent.begins(), parent.ends()
    if len(begins) == 1:
        if parent.in_flow:
            return text[: parent.start + 1] + text[parent.end - 1 :]
        raise CannotEdit("the only entry of a place cannot be taken out", hint="make the change by hand")
    if parent.in_flow:
        if at + 1 < len(begins):
            return text[: begins[at]] + text[begins[at + 1] :]
        return text[: ends[at - 1]] + text[ends[at] :]
    line_start = text.rfind("\n", 0, begins[at]) + 1
    before = text[line_start : begins[at]]
    if not before.strip() or (parent.items is not None and before.strip() == "-" and before.index("-") == parent.column):
        line_end = _end_of_line(text, ends[at])
        return text[:line_start] + text[line_end:].lstrip("\r\n") if line_end < len(text) else text[: max(line_start - 1, 0)]
    if at + 1 == len(begins):
        raise CannotEdit("an entry shares its line with others", hint="make the change by hand")
    return text[: begins[at]] + text[begins[at + 1] :]


def _end_of_line(text: str, at: int) -> int:
    """Where the line that ``at`` is in ends, before its line end."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _checked(before: str, after: str, path: Path, wanted: Callable[[Any], Any]) -> str:
    """``after``, when it means what was asked for and nothing else changed."""
    try:
        found = _tree(parse(read_text(after.encode(), "the changed file"), "the changed file"))
    except (StartrailError, UnicodeEncodeError):
        found = CannotEdit
    if found != wanted(_tree(parse(before, ""))):
        raise CannotEdit(
            f"{_shown(path)} cannot be changed without touching what stands beside it", hint="make the change by hand"
        )
    return after


def _tree(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _tree(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_tree(child) for child in node.value]
    return node.value


def _with(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(tree, list) and isinstance(head, int):
        return [_with(child, rest, value) if at == head else child for at, child in enumerate(tree)]
    return dict(tree or {}) | {head: _with((tree or {}).get(head), rest, value)}


def _appended(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return [*tree, value]
    if isinstance(tree, list):
        return [_appended(child, path[1:], value) if at == path[0] else child for at, child in enumerate(tree)]
    return dict(tree) | {path[0]: _appended(tree[path[0]], path[1:], value)}


def _without(tree: Any, path: Path) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(tree, list):
        kept = enumerate(tree)
        return [_without(child, rest) if at == head else child for at, child in kept if rest or at != head]
    return {key: _without(child, rest) if key == head else child for key, child in tree.items() if rest or key != head}


def _shown(path: Path) -> str:
    return printable(".".join(map(str, path)), 120)


def place_of(text: str, path: Path, file: str) -> Span:
    """Where the value at ``path``, or the innermost part of it that is there, stands in the file."""
    node = parse(text, file)
    for key in path:
        inner = node.value
        if isinstance(inner, dict) and key in inner:
            node = inner[str(key)]
        elif isinstance(inner, list) and isinstance(key, int) and key < len(inner):
            node = inner[key]
        else:
            break
    return node.at
