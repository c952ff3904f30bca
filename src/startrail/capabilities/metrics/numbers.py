"""Results as exact numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, Inexact, InvalidOperation, localcontext

from startrail.base.text import printable
from startrail.capabilities.metrics.errors import NotNumbers
from startrail.model.metric import Metric
from startrail.model.types import DataType, Primitive

Number = int | Decimal | float
_PLACES = Decimal("1e-12")


def is_float(kind: DataType) -> bool:
    """Whether values of a type are binary floating point."""
    return isinstance(kind, Primitive) and kind.name in ("float", "double")


def number(value: object, metric: Metric) -> Number | None:
    """What the engine gave as a number; whole numbers wider than any column come as text. Raises NotNumbers."""
    if value is None or isinstance(value, int | Decimal | float):
        return int(value) if isinstance(value, bool) else value
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = None
    if found is None or found != found.to_integral_value():
        raise NotNumbers(
            f"the rows of {metric.name} give '{printable(str(value), 60)}', which is no number",
            at=metric.span,
            affects=f"metric {metric.name}",
            hint="mend expr, or cast the column in a model",
        )
    return int(found)


def quotient(over: Number | None, under: Number | None) -> tuple[Number | None, bool]:
    """The quotient, and whether it had to be rounded, after 12 decimal places; None for nothing divided, or by zero."""
    if over is None or not under:
        return None, False
    if isinstance(over, float) or isinstance(under, float):
        return float(over) / float(under), False
    with localcontext() as context:
        context.prec = 60
        context.clear_flags()
        found = Decimal(over) / Decimal(under)
        if not context.flags[Inexact]:
            return found, False
        return found.quantize(_PLACES, ROUND_HALF_EVEN), True
