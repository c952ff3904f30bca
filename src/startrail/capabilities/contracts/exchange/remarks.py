"""What is only likely, or could not be said, as comments for the person who will own the contract."""

from __future__ import annotations

from startrail.base.text import printable
from startrail.capabilities.contracts.exchange.guess import NumberGuess, TextGuess
from startrail.capabilities.contracts.exchange.observe import Seen
from startrail.capabilities.contracts.exchange.yaml_text import quoted
from startrail.model.types import DataType, Decimal

ENOUGH = 20
"""Values from which a small set of them, or that none comes twice, is worth a remark."""
_NAMING = ("int", "long", "string", "uuid")
"""Types of which a row's name may be."""
_MANY_DIGITS = 9


def number_remarks(numbers: NumberGuess) -> list[str]:
    kind = numbers.type()
    if isinstance(kind, Decimal):
        said = [f"digits seen: {numbers.before} before and {numbers.after} after the point; widen it if there will be more"]
        if numbers.after > _MANY_DIGITS:
            said.append("if it is a measurement rather than a sum, physicalType: double takes any number of digits")
        return said
    if str(kind) == "double":
        return ["written with exponents, or with more digits than a decimal has; if it is a sum, declare decimal(p,s)"]
    return []


def text_remarks(texts: TextGuess, number: DataType | None) -> list[str]:
    """Why a text is not more than that, or what it was read as."""
    example = printable(texts.example, 40)
    said: list[str] = []
    pattern = texts.pattern()
    if pattern is not None:
        said.append(f"dates such as {example}; every one can be read as {pattern}, and at least one in no other order")
    elif texts.patterns:
        orders = " or ".join(sorted(texts.patterns))
        said.append(f"looks like dates ({example}), but day and month cannot be told apart: {orders}; kept as text")
    elif texts.seen and texts.like_dates:
        said.append(f"looks like dates or times ({example}), but not all in one known form; kept as text")
    if number is not None:
        said.append(f"every value is a number written as text; as {number} it would be read exactly")
    elif texts.numbers.alive and texts.numbers.exponent:
        said.append(f"may be numbers with an exponent ({example}), or codes; kept as text")
    if texts.leading_zeros:
        said.append("digits with leading zeros, which a number would lose; kept as text")
    if texts.unstorable:
        said.append("some values hold NUL or half a character: those rows will be quarantined")
    return said


def variety_remarks(node: Seen, kind: DataType, required: bool) -> list[str]:
    """Suggestions only: a sample can show that values differ, never that they will."""
    few = () if node.variety.few is None else tuple(sorted(node.variety.few))
    return suggestions(node.count - node.nulls, node.variety.unique, few if str(kind) == "string" else (), kind, required)


def suggestions(there: int, unique: bool, few: tuple[str, ...], kind: DataType, required: bool) -> list[str]:
    """What ``there`` values suggest of which none comes twice, or of which only a few are different."""
    if there < ENOUGH:
        return []
    if unique and str(kind) in _NAMING:
        also = "unique: true" + (", or primaryKey: true if it names the row" if required else "")
        return [f"no value comes twice in {there:,}; if that is a promise: {also}"]
    if few and len(few) * 2 <= there:
        values = ", ".join(f"{{value: {quoted(value)}}}" for value in few if len(value) <= 40)
        return [f"{len(few)} different values in {there:,}; if there are no others: enum: [{values}]"]
    return []
