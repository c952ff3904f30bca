"""Strict YAML 1.2: bytes to a tree in which every value and every key knows its place.

Values follow the core schema with one restriction: a number with leading zeros (``007``) is text, since
readers of YAML 1.1 and 1.2 disagree about it. There are no anchors, tags, merge keys or templates, and size
and depth are limited, so that reading an untrusted file costs little and does nothing.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import msgspec
import yaml

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.project import errors

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32

Scalar = str | int | float | bool | None


class Node(msgspec.Struct, frozen=True):
    """A value at its place. ``text`` is a scalar as written (without quotes); ``key`` is where its key stands."""

    at: Span
    value: Scalar | list[Node] | dict[str, Node]
    text: str = ""
    key: Span | None = None

    def find(self, *path: str | int) -> Node | None:
        """The node under nested keys, and positions in lists, or None."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node is not None else None
        return node

    def child(self, key: str | int) -> Node | None:
        """The value of a key, or the item at a position."""
        if isinstance(self.value, dict):
            return self.value.get(str(key))
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None

    def place(self, *path: str | int) -> Span:
        """Where the nested value stands, or the innermost of its parents that is there."""
        node = self
        for key in path:
            child = node.find(key)
            if child is None:
                break
            node = child
        return node.at


def read_yaml(data: bytes, file: str) -> Node:
    """Read one document. An empty file is a null value. Raises the errors ST101 to ST111."""
    return parse(read_text(data, file), file)


def read_text(data: bytes, file: str) -> str:
    """UTF-8 text of bounded size without control characters; a byte order mark is dropped."""
    if len(data) > MAX_BYTES:
        raise errors.FileTooLarge(f"{file} is larger than 1 MiB", at=Span(file), hint="split the file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_after(error.object[: error.start].decode("utf-8-sig", "replace"), file)
        raise errors.NotText(f"byte 0x{error.object[error.start]:02x} is not UTF-8", at=place, hint="save it as UTF-8") from None
    found = _CONTROL.search(text)
    if found:
        place = _place_after(text[: found.start()], file)
        raise errors.NotText(f"control character U+{ord(found[0]):04X}", at=place, hint="remove it")
    return text


def parse(text: str, file: str) -> Node:
    """As :func:`read_yaml`, from text that :func:`read_text` has passed."""
    return _Composer(text, file).compose()


_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def _place_after(before: str, file: str) -> Span:
    lines = _BREAK.split(before)
    return Span(file, len(lines), len(lines[-1]) + 1)


_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_START = frozenset("0123456789+-.")
_MAX_DIGITS = 400


def _resolve(text: str) -> Scalar:
    """A plain scalar's value. Raises ValueError for a number beyond all use."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise ValueError("a number of more than 400 digits")
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{printable(text, 40)} is beyond the range of numbers")
        return number
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


class _Composer:
    """Turns the parser's events into nodes. ``stack`` holds the open collections and the key each waits to fill."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.templates = "{{" in text or "{%" in text
        self.stack: list[tuple[Node, dict[str, Node] | None, list[Node] | None]] = []
        self.pending: list[tuple[str, Span] | None] = []
        self.root: Node | None = None

    def compose(self) -> Node:
        parser: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)(self.text)
        try:
            while True:
                event = parser.get_event()
                if event is None:
                    break
                self._take(event)
        except yaml.YAMLError as error:
            self._refuse_syntax(error)
        finally:
            parser.dispose()
        return self.root if self.root is not None else Node(Span(self.file), None)

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open(event, {}, None)
        elif kind is yaml.SequenceStartEvent:
            self._open(event, None, [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.stack.pop()
            self.pending.pop()
        elif kind is yaml.AliasEvent:
            raise errors.AliasFound(
                f"alias '*{printable(event.anchor, 40)}'", at=self._at(event), hint="write the value out here"
            )
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _at(self, event: Any) -> Span:
        mark = event.start_mark
        return Span(self.file, mark.line + 1, mark.column + 1)

    def _document(self, event: Any) -> None:
        if self.root is not None:
            raise errors.SeveralDocuments("a second YAML document begins", at=self._at(event), hint="make a file of each")
        if event.version is not None and tuple(event.version) != (1, 2):
            raise errors.NotYaml("declarations are YAML 1.2", at=self._at(event), hint="remove the %YAML line")

    def _open(self, event: Any, entries: dict[str, Node] | None, items: list[Node] | None) -> None:
        at = self._at(event)
        self._plain_node(event, at)
        key = self._key_of(at, None)
        if len(self.stack) >= MAX_DEPTH:
            raise errors.TooDeep(f"nested deeper than {MAX_DEPTH} levels", at=at, hint="look for a bracket that is not closed")
        node = Node(at, items if entries is None else entries, "", key)
        self._attach(node)
        self.stack.append((node, entries, items))
        self.pending.append(None)

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        at = Span(self.file, mark.line + 1, mark.column + 1)
        if event.anchor is not None or event.tag is not None:
            self._plain_node(event, at)
        text: str = event.value
        if self.templates and ("{{" in text or "{%" in text):
            raise errors.TemplateFound("template marks in a value", at=at, hint="declarations are data; write the value itself")
        value: Scalar = text
        if event.implicit[0]:
            try:
                value = _resolve(text)
            except ValueError as error:
                raise errors.NotYaml(str(error), at=at, hint="quote it to make it text") from None
        if self.stack and self.stack[-1][1] is not None and self.pending[-1] is None:
            self._take_key(value, text, at, event.implicit[0])
        else:
            self._attach(Node(at, value, text, self._key_of(at, text)))

    def _take_key(self, value: Scalar, text: str, at: Span, plain: bool) -> None:
        entries = self.stack[-1][1]
        if plain and text == "<<":
            raise errors.MergeKeyFound("merge key '<<'", at=at, hint="write the keys out")
        if not isinstance(value, str):
            raise errors.KeyNotText(f"key '{printable(text, 40)}' is not text", at=at, hint=f'write "{printable(text, 40)}"')
        if entries is not None and value in entries:
            first = entries[value].key
            raise errors.DuplicateKey(
                f"key '{printable(value, 60)}' stands twice", at=at, hint=f"the first one is at {first}; remove one"
            )
        self.pending[-1] = (value, at)

    def _key_of(self, at: Span, text: str | None) -> Span | None:
        """The place of the key that waits for this value; refuses a collection where a key must stand."""
        if not self.stack or self.stack[-1][1] is None:
            return None
        waiting = self.pending[-1]
        if waiting is None:
            if text is None and self._line(at.line)[at.column - 2 : at.column] == "{{":
                raise errors.TemplateFound(
                    "template marks",
                    at=Span(at.file, at.line, at.column - 1),
                    hint="declarations are data; write the value itself",
                )
            raise errors.KeyNotText("a list or mapping as key", at=at, hint="keys are text")
        return waiting[1]

    def _attach(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        _, entries, items = self.stack[-1]
        if items is not None:
            items.append(node)
            return
        waiting = self.pending[-1]
        if entries is not None and waiting is not None:
            entries[waiting[0]] = node
            self.pending[-1] = None

    def _plain_node(self, event: Any, at: Span) -> None:
        if event.anchor is not None:
            raise errors.AliasFound(
                f"anchor '&{printable(event.anchor, 40)}'", at=at, hint="write the value out where it is used"
            )
        if event.tag is not None:
            raise errors.TagFound(f"tag '{printable(event.tag, 60)}'", at=at, hint="remove the tag")

    def _line(self, number: int) -> str:
        lines = _BREAK.split(self.text)
        return lines[number - 1] if number <= len(lines) else ""

    def _refuse_syntax(self, error: yaml.YAMLError) -> NoReturn:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = Span(self.file, mark.line + 1, mark.column + 1) if mark else Span(self.file)
        line = self._line(at.line)
        if "{%" in line or "{{" in line:
            raise errors.TemplateFound("template marks", at=at, hint="declarations are data; write the value itself") from None
        problem = getattr(error, "problem", None) or "it cannot be read"
        context = getattr(error, "context", None)
        message = f"{problem} {context}" if context else str(problem)
        raise errors.NotYaml(f"not valid YAML: {message}", at=at, hint=_syntax_hint(problem, line, at.column)) from None


def _syntax_hint(problem: str, line: str, column: int) -> str:
    if "\t" in line[:column] or "tab" in problem:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "quote text that holds ': '"
    if "cannot start any token" in problem:
        return "quote text that starts with a mark such as @, ` or %"
    return "look at this line and the one before it"
