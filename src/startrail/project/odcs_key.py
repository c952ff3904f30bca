"""The primary key of a contract."""

from __future__ import annotations

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.project import errors
from startrail.project.odcs_form import Property
from startrail.project.scalars import Problems
from startrail.project.yaml import Node


def primary_key(properties: tuple[Property, ...], parent: Node, problems: Problems) -> tuple[str, ...]:
    """Names of the key's columns in their declared order; appends what is wrong with it."""

    def contradict(message: str, at: Span, hint: str) -> None:
        problems.append(errors.ContractContradiction(message, at=at, hint=hint))

    found = parent.find("properties")
    nodes = found.value if found is not None and isinstance(found.value, list) else []
    keyed: list[tuple[int, str]] = []
    for form, node in zip(properties, nodes, strict=True):
        position, at = form.primary_key_position, node.place("primaryKeyPosition")
        name = printable(form.name or "", 60)
        if position != -1 and not form.primary_key:
            contradict(f"'{name}' has a primaryKeyPosition but is not primaryKey", at, "add primaryKey: true")
        elif form.primary_key:
            if form.required is False:
                contradict(f"'{name}' is in the primary key but not required", node.place("required"), "required: true")
            keyed.append((position, form.name or ""))
    positions = [position for position, _ in keyed if position != -1]
    if len(set(positions)) < len(positions) or (positions and (len(positions) < len(keyed) or min(positions) < 1)):
        contradict(
            "the positions of the primary key are not distinct numbers from 1",
            parent.place("properties"),
            "give each primaryKey its own primaryKeyPosition",
        )
    return tuple(name for _, name in sorted(keyed, key=lambda entry: entry[0]))
