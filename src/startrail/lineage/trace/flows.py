"""Flows: which base columns a value depends on, in which roles, and how a role changes on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from startrail.model.lineage import AGGREGATION, DIRECT, IDENTITY, TRANSFORMATION, Influence

Leaf = tuple[str, str]
"""Table and column, as they are written."""
Flow = dict[Leaf, int]
"""Base column -> sum of the roles in which it takes part. Never changed once it was handed on."""


def through(flow: Mapping[Leaf, int], role: int) -> Flow:
    """What becomes of a flow when its value is used in ``role``.

    An indirect role swallows what was before: whatever a WHERE mentions is a filter, as if subqueries were
    written out. A direct role keeps indirect ones and can only grow: identity, transformation, aggregation.
    """
    if role == IDENTITY:
        return dict(flow)
    if not role & DIRECT:
        return dict.fromkeys(flow, role)
    if role == AGGREGATION:
        return {leaf: (roles & ~DIRECT) | AGGREGATION if roles & DIRECT else roles for leaf, roles in flow.items()}
    return {leaf: (roles & ~IDENTITY) | TRANSFORMATION if roles & IDENTITY else roles for leaf, roles in flow.items()}


def add(into: Flow, flow: Mapping[Leaf, int]) -> None:
    """Put a flow into one that is still being built."""
    for leaf, roles in flow.items():
        into[leaf] = into.get(leaf, 0) | roles


def merged(flows: Iterable[Mapping[Leaf, int]]) -> Flow:
    """All flows as one."""
    found: Flow = {}
    for flow in flows:
        add(found, flow)
    return found


def influences(flow: Mapping[Leaf, int]) -> tuple[Influence, ...]:
    """The flow as a frozen value."""
    return tuple(Influence(table, column, roles) for (table, column), roles in flow.items())
