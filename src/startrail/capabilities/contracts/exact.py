"""Exact conversion with its refusals told as violations. The specification is ``model/exact.py``."""

from __future__ import annotations

from typing import Any

from startrail.model.contract import Field
from startrail.model.exact import bound, scalar
from startrail.model.exact_numbers import INTEGERS
from startrail.model.refusal import JsonNumber, Refused, show
from startrail.ports.loader import Violation

__all__ = ["INTEGERS", "JsonNumber", "Refused", "bound", "convert", "scalar", "show"]


def convert(value: object, field: Field, path: str = "$") -> Any:
    """The typed value, or the :class:`Violation`. ``value`` is ``str``, ``bool`` or :class:`JsonNumber`, of a field
    with a primitive or decimal type."""
    try:
        return scalar(value, field)
    except Refused as refused:
        return Violation(path, refused.rule, refused.expected, show(value))
