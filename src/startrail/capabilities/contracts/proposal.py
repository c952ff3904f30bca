"""Proposals: a changed file as a unified diff that ``git apply`` takes, and fields written into a contract's text."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.base.span import Span
from startrail.capabilities.contracts.exchange.odcs_text import odcs
from startrail.model.contract import Contract, Field
from startrail.project import odcs_edit
from startrail.project.diff import unified
from startrail.project.yaml import Node, parse
from startrail.project.yaml_write import Verbatim, Yaml


class Proposal(msgspec.Struct, frozen=True):
    """One file as it is (None: there is none yet) and as it should be; ``why`` in sentences."""

    path: str
    before: str | None
    after: str
    why: tuple[str, ...] = ()

    @property
    def diff(self) -> str:
        """Unified, with the paths that ``git apply`` expects; empty when nothing changes."""
        return unified(self.path, self.before, self.after)


def add_field(text: str, field: Field, within: str = "$") -> str:
    """Declare ``field`` at the end of the object at ``within``. Raises CannotEdit (ST384), NotWritable (ST374)."""
    return odcs_edit.add_field(text, declaration(field), within)


def declaration(field: Field) -> dict[str, Yaml]:
    """The property that declares a field, as ODCS has it."""
    text = odcs(Contract(name="alone", version="1", fields=(field,), span=Span("alone")))
    return _yaml(parse(text, "alone"))["schema"][0]["properties"][0]


def _yaml(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _yaml(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_yaml(child) for child in node.value]
    return node.value if isinstance(node.value, (str, bool)) or node.value is None else Verbatim(node.text)
