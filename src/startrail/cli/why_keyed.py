"""The comparison by key that follows a refusal of ``startrail why``, as text."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from startrail.base.text import printable
from startrail.capabilities.why.keyed import Keyed, KeyRow
from startrail.cli.why_text import money, signed
from startrail.wiring.why_keyed import NoKey


def shown(found: Keyed) -> Iterator[str]:
    """Line by line, clearly not an attribution."""
    key = ", ".join(printable(name, 40) for name in found.key)
    yield f"not by cause: {found.a} (A) and {found.b} (B) by {key}{f', {found.period}' if found.period else ''}"
    yield f"     only in A    {found.only_a.count:>9,}   {money(found.only_a.a)}"
    yield f"     only in B    {found.only_b.count:>9,}   {money(found.only_b.b)}"
    change = found.differing.b - found.differing.a
    sides = f"{money(found.differing.a)} and {money(found.differing.b)}: {signed(change)}"
    yield f"     differing    {found.differing.count:>9,}   {sides}"
    yield f"     the same     {found.same.count:>9,}   {money(found.same.a)}"
    if not found.additive:
        yield "     the numbers of single keys do not sum to A and B"
    if found.largest:
        yield "largest differences:"
    for row in found.largest:
        yield f"     {_key(row)}   A {_side(row.a)}   B {_side(row.b)}   {signed(row.change)}"


def no_key(found: NoKey) -> str:
    """Why there is none."""
    return f"not compared by key either: {found.reason}"


def _key(row: KeyRow) -> str:
    return ", ".join(printable(word, 40) if word is not None else "none" for word in row.key)


def _side(number: Decimal | None) -> str:
    return money(number) if number is not None else "(none)"
