"""What a contract says and loading does not enforce: told at every plan, so that nobody relies on it."""

from __future__ import annotations

from collections.abc import Iterator

from startrail.project.yaml import Node

UNENFORCED = frozenset((
    "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "quality", "relationships",
))  # fmt: skip
"""Keys of the standard, at any depth of ``schema``. Those of other sections promise nothing about rows."""


def not_enforced(document: Node) -> tuple[str, ...]:
    """``multipleOf at contracts/orders.odcs.yml:31:9``, in the order of the document."""
    schema = document.find("schema")
    return () if schema is None else tuple(_found(schema))


def _found(node: Node) -> Iterator[str]:
    if isinstance(node.value, list):
        for item in node.value:
            yield from _found(item)
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            if key in UNENFORCED and child.value not in (None, [], {}):
                yield f"{key} at {child.key or child.at}"
            else:
                yield from _found(child)
