"""How text becomes a value, as a contract's property declares it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.base.text import printable
from startrail.base.time import zone
from startrail.model.contract import Format
from startrail.model.types import DataType
from startrail.project import errors
from startrail.project.odcs_extras import Extras, value_of
from startrail.project.odcs_types import strptime_pattern
from startrail.project.scalars import Problems
from startrail.project.yaml import Node

_TIMES = ("date", "time", "timestamp", "timestamptz")


def read_format(kind: DataType, node: Node, options: Any, extras: Extras, problems: Problems) -> Format:
    """The format; appends what is wrong with it."""

    def contradict(message: str, place: Span, hint: str) -> None:
        problems.append(errors.ContractContradiction(message, at=place, hint=hint))

    def at(name: str, otherwise: str) -> Span:
        found = value_of(node, name)
        return found.at if found is not None else node.place("logicalTypeOptions", otherwise)

    standard = getattr(options, "format", None) if str(kind) in _TIMES else None
    if extras.format is not None and standard is not None:
        contradict("the format is declared twice", at("format", "format"), "keep logicalTypeOptions.format")
    written = extras.format or standard
    pattern = _caught(lambda: strptime_pattern(written), at("format", "format"), problems) if written else None
    if pattern == "%Y-%m-%d" and str(kind) == "date":
        pattern = None
    name = extras.timezone or getattr(options, "default_timezone", None)
    if name is not None:
        _caught(lambda: zone(name), at("timezone", "defaultTimezone"), problems)
    separator = extras.decimal_separator or "."
    if separator not in (".", ","):
        contradict("decimalSeparator must be '.' or ','", at("decimalSeparator", "format"), "mend it")
    true, false = extras.true_words or ("true",), extras.false_words or ("false",)
    if set(true) & set(false):
        contradict("a word is both true and false", at("trueWords", "format"), "mend trueWords and falseWords")
    null = extras.null_words
    if str(kind) == "boolean" and set(null or ()) & {*true, *false}:
        contradict("a word is both null and true or false", at("nullWords", "format"), "mend nullWords")
    return Format(pattern, name, separator, true, false, null)


def _caught(act: Callable[[], Any], at: Span, problems: Problems) -> Any:
    """The result, or None after a ValueError became a problem."""
    try:
        return act()
    except ValueError as error:
        problems.append(errors.BadValue(printable(str(error), 300), at=at, hint="mend it"))
    except StartrailError as error:
        problems.append(error)
    return None
