"""One value against one schema: yes, no, or not decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from startrail.capabilities.contracts.compatibility.json_schema.assertions import (
    NUMBERS,
    Assertions,
    Bound,
    Schema,
    assertions,
)
from startrail.capabilities.contracts.compatibility.json_schema.documents import Json, value_digest
from startrail.capabilities.contracts.compatibility.regex import matches
from startrail.capabilities.contracts.compatibility.work import Work

Answer = bool | None
_MAX_DEPTH = 30


def accepts(schema: Schema, value: Json, work: Work, depth: int = 0) -> Answer:
    """True when the value is an instance, False when not, None when that is not decided."""
    work.spend()
    if depth > _MAX_DEPTH:
        return None
    asked = (schema.key, value_digest(value))
    if asked not in work.answers:
        work.answers[asked] = both(_answers(assertions(schema), value, work, depth + 1))
    return work.answers[asked]


def both(answers: Iterable[Answer]) -> Answer:
    """False as soon as one is False; True when all are."""
    result: Answer = True
    for answer in answers:
        if answer is False:
            return False
        result = None if answer is None else result
    return result


def either(answers: Iterable[Answer]) -> Answer:
    """True as soon as one is True; False when none can be."""
    result: Answer = False
    for answer in answers:
        if answer is True:
            return True
        result = None if answer is None else result
    return result


def opposite(answer: Answer) -> Answer:
    """None stays None."""
    return None if answer is None else not answer


def atoms(value: Json) -> frozenset[str]:
    """The type of a value; a whole number may be written in two ways."""
    if value is None:
        return frozenset(("null",))
    if isinstance(value, bool):
        return frozenset(("boolean",))
    if isinstance(value, int | Decimal):
        whole = isinstance(value, int) or value == value.to_integral_value()
        return frozenset(("integer", "whole")) if whole else frozenset(("fraction",))
    return frozenset(({str: "string", list: "array", dict: "object"}[type(value)],))


def inside(value: Decimal, low: Bound | None, high: Bound | None) -> bool:
    """True when a number lies in a range."""
    if low is not None and (value < low.value or (low.open and value == low.value)):
        return False
    return high is None or not (value > high.value or (high.open and value == high.value))


def _answers(a: Assertions, value: Json, work: Work, depth: int) -> Iterator[Answer]:
    kinds = atoms(value)
    if a.types is not None:
        yield True if kinds <= a.types else False if not kinds & a.types else None
    if a.values is not None:
        work.spend(len(a.values))
        name = value_digest(value)
        yield any(value_digest(each) == name for each in a.values)
    if kinds <= NUMBERS:
        yield _number(a, Decimal(value))
    elif isinstance(value, str):
        yield a.min_length <= len(value) and (a.max_length is None or len(value) <= a.max_length)
        if a.pattern is not None:
            yield matches(a.pattern, value, work)
        if a.format is not None:
            yield None
    elif isinstance(value, list):
        yield from _array(a, value, work, depth)
    elif isinstance(value, dict):
        yield from _object(a, value, work, depth)
    yield from _logic(a, value, work, depth)


def _number(a: Assertions, value: Decimal) -> Answer:
    if not inside(value, a.low, a.high):
        return False
    if a.multiple is None or value == 0:
        return True
    return None if abs(value.adjusted()) > 400 else (Fraction(value) / a.multiple).denominator == 1


def _array(a: Assertions, value: list[Json], work: Work, depth: int) -> Iterator[Answer]:
    yield a.min_items <= len(value) and (a.max_items is None or len(value) <= a.max_items)
    if a.unique:
        yield len({value_digest(each) for each in value}) == len(value)
    for number, each in enumerate(value):
        schema = a.prefix[number] if number < len(a.prefix) else a.rest
        if schema is not None:
            yield accepts(schema, each, work, depth)
    if a.contains is not None:
        answers = [accepts(a.contains.item, each, work, depth) for each in value]
        sure, possible = answers.count(True), len(value) - answers.count(False)
        most = a.contains.most
        if possible < a.contains.least or (most is not None and sure > most):
            yield False
        elif sure < a.contains.least or (most is not None and possible > most):
            yield None
    if a.unevaluated_items is not None:
        yield accepts_all(a.unevaluated_items)


def _object(a: Assertions, value: dict[str, Json], work: Work, depth: int) -> Iterator[Answer]:
    yield a.min_properties <= len(value) and (a.max_properties is None or len(value) <= a.max_properties)
    yield all(name in value for name in a.required)
    yield all(needs <= value.keys() for name, needs in a.dependent_required if name in value)
    for name, each in value.items():
        if name in a.properties:
            yield accepts(a.properties[name], each, work, depth)
        hits = [(matches(pattern, name, work), schema) for pattern, schema in a.patterns]
        for hit, schema in hits:
            if hit is not False:
                answer = accepts(schema, each, work, depth)
                yield answer if hit or answer else None
        if a.additional is not None and name not in a.properties and not any(hit for hit, _ in hits):
            answer = accepts(a.additional, each, work, depth)
            yield answer if answer or all(hit is False for hit, _ in hits) else None
        if a.names is not None:
            yield accepts(a.names, name, work, depth)
    for name, schema in a.dependent_schemas:
        if name in value:
            yield accepts(schema, value, work, depth)
    if a.unevaluated_properties is not None:
        yield accepts_all(a.unevaluated_properties)


def _logic(a: Assertions, value: Json, work: Work, depth: int) -> Iterator[Answer]:
    for schema in a.every:
        yield accepts(schema, value, work, depth)
    if a.any is not None:
        yield either(accepts(schema, value, work, depth) for schema in a.any)
    if a.one is not None:
        answers = [accepts(schema, value, work, depth) for schema in a.one]
        sure, possible = answers.count(True), len(answers) - answers.count(False)
        yield False if sure > 1 or possible == 0 else True if sure == possible == 1 else None
    for schema in a.none:
        yield opposite(accepts(schema, value, work, depth))
    if a.condition is not None:
        test = accepts(a.condition.test, value, work, depth)
        then = accepts(a.condition.then, value, work, depth) if a.condition.then is not None else True
        otherwise = accepts(a.condition.otherwise, value, work, depth) if a.condition.otherwise is not None else True
        yield then if test else otherwise if test is False else then if then is otherwise else None
    if a.unknown:
        yield None


def accepts_all(schema: Schema) -> Answer:
    """True for a schema that visibly asserts nothing; never False, since what it applies to is not known."""
    return True if assertions(schema) == Assertions() else None
