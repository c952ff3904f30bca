"""Readers of single values: the YAML value is already typed, so nothing is converted, only checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import inspect

from startrail.base.errors import StartrailError
from startrail.base.text import did_you_mean, printable
from startrail.project import errors
from startrail.project.values import READERS, secret_in
from startrail.project.yaml import Node

Problems = list[StartrailError]
SEE_SCHEMA = "startrail schema prints what a declaration may say"
BAD: Any = object()
"""What a reader returns after it has added a problem."""
Reader = Callable[[Node, str, Problems], Any]
"""(node, how messages call it, problems) -> value or BAD."""


def text(kind: inspect.StrType, reads: str | None) -> Reader:
    parse = READERS.get(reads or "")

    def read(node: Node, what: str, problems: Problems) -> Any:
        value = node.value
        if not isinstance(value, str):
            scalar = isinstance(value, (bool, int, float))
            return wrong(node, what, "text", problems, f'write "{printable(node.text, 40)}"' if scalar else None)
        if (kind.min_length or 0) > len(value) or (kind.max_length is not None and kind.max_length < len(value)):
            problems.append(errors.BadValue(f"{what} must be {_length(kind)}", at=node.at, hint="change its length"))
            return BAD
        leak = secret_in(reads, value) if reads in ("secret", "dsn", "url") else None
        if leak is not None:
            problems.append(errors.SecretInText(f"{what}: {leak}", at=node.at, hint="write env:NAME and set NAME outside"))
            return BAD
        if parse is not None:
            try:
                parse(value)
            except ValueError as error:
                problems.append(errors.BadValue(f"{what}: {printable(str(error), 300)}", at=node.at, hint=f"give a {reads}"))
                return BAD
        return value

    return read


def _length(kind: inspect.StrType) -> str:
    if kind.min_length == kind.max_length == 1:
        return "one character"
    return f"{kind.min_length or 0} to {'any number of' if kind.max_length is None else kind.max_length} characters"


def word(words: tuple[str, ...]) -> Reader:
    def read(node: Node, what: str, problems: Problems) -> Any:
        if not isinstance(node.value, str):
            return wrong(node, what, "one of " + ", ".join(words), problems)
        if node.value not in words:
            problems.append(
                errors.UnknownWord(
                    f"{what} cannot be '{printable(node.value, 60)}'", at=node.at, hint=did_you_mean(node.value, words)
                )
            )
            return BAD
        return node.value

    return read


def integer(kind: inspect.IntType) -> Reader:
    def read(node: Node, what: str, problems: Problems) -> Any:
        value = node.value
        if not isinstance(value, int) or isinstance(value, bool):
            return wrong(node, what, "a whole number", problems)
        low, high = kind.ge, kind.le
        if (low is not None and value < low) or (high is not None and value > high):
            limits = f"{low} or more" if high is None else f"between {low} and {high}"
            problems.append(
                errors.BadValue(f"{what} must be {limits}, not {printable(node.text, 40)}", at=node.at, hint="change it")
            )
            return BAD
        return value

    return read


def boolean(node: Node, what: str, problems: Problems) -> Any:
    if isinstance(node.value, bool):
        return node.value
    hint = "YAML 1.2 knows only true and false" if node.text.lower() in ("yes", "no", "on", "off", "y", "n") else None
    return wrong(node, what, "true or false", problems, hint)


def number(node: Node, what: str, problems: Problems) -> Any:
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    return wrong(node, what, "a number", problems)


def wrong(node: Node, what: str, wanted: str, problems: Problems, hint: str | None = None) -> Any:
    problems.append(errors.WrongType(f"{what} must be {wanted}, not {_shape(node)}", at=node.at, hint=hint or SEE_SCHEMA))
    return BAD


def _shape(node: Node) -> str:
    value = node.value
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"the boolean {node.text}"
    return f"the text '{printable(value, 40)}'" if isinstance(value, str) else f"the number {printable(node.text, 40)}"
