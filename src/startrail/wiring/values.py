"""A metric's value as the exact number that a gap is made of."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from startrail.capabilities.metrics.errors import NotNumbers
from startrail.capabilities.metrics.value import Answer, Value
from startrail.model.metric import Metric


def exact_value(metric: Metric, answer: Answer) -> Fraction | None:
    """The number without rounding. Raises NotNumbers."""
    (value,) = answer.values
    if metric.agg in ("avg", "median", "ratio") and metric.sql is None:
        return _quotient(value)
    if value.value is None:
        return None
    if not isinstance(value.value, int | float | Decimal):
        raise NotNumbers(f"{metric.name} is no number, so it has no gap", at=metric.span, hint="compare numbers")
    return _fraction(value.value)


def places_of(answer: Answer) -> int:
    """Decimal places that the engine gave it with."""
    (value,) = answer.values
    exponent = value.value.as_tuple().exponent if isinstance(value.value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _quotient(value: Value) -> Fraction | None:
    if value.numerator is None or not value.denominator:
        return None
    return _fraction(value.numerator) / _fraction(value.denominator)


def _fraction(number: float | Decimal) -> Fraction:
    return Fraction(Decimal(repr(number))) if isinstance(number, float) else Fraction(number)
