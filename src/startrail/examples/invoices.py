"""The roastery's invented orders: two departments add them up by two definitions, and the gap is known without any SQL.

Seven weeks of orders in autumn 2026. In October Marketing reports exactly 50,000.00 EUR more than Finance.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import msgspec

MONTH = (2026, 10)
GAP = Decimal("50000.00")
"""By how much Marketing's October is above Finance's."""
HEADER = (
    "order_id", "channel", "country", "account", "is_test", "status", "ordered_at", "invoiced_at", "amount", "refunded",
    "exported_at",
)  # fmt: skip

_ZONE = ZoneInfo("Europe/Madrid")
_FIRST_MONDAY = date(2026, 9, 14)
_WEEKS = 7
_TWICE = "2026-W42"
"""The week whose file of the cafés was delivered two times."""
_COUNTRIES = ("ES", "ES", "ES", "PT", "FR")


class Order(msgspec.Struct, frozen=True):
    """One order. Offices are invoiced when the coffee leaves the house, all others at once."""

    order_id: str
    channel: str
    country: str
    account: str
    is_test: bool
    status: str
    ordered_at: datetime
    invoiced_at: datetime
    amount: Decimal
    refunded: Decimal | None = None
    deliveries: int = 1
    """How many files it came in."""


class Truth(msgspec.Struct, frozen=True):
    """October of both departments, and what each difference between their definitions makes."""

    finance: Decimal
    marketing: Decimal
    causes: dict[str, Decimal]
    rows: int
    """Rows in all files."""

    @property
    def gap(self) -> Decimal:
        return self.marketing - self.finance


def orders() -> tuple[Order, ...]:
    """All orders, the same every time. One order on the last day of October closes the gap to its round sum."""
    found = [each for week in range(_WEEKS) for each in (*_web(week), *_cafe(week), *_office(week))]
    return (*found, _closing(found))


def truth() -> Truth:
    """Added up order by order. No order is touched by two of the differences, so each makes what it makes alone."""
    return _truth(orders())


def put(folder: Path) -> list[Path]:
    """Write the files as the roastery's shop system exports them: one per week and channel, and one of them twice."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Order]] = {}
    for each in orders():
        files.setdefault(f"{each.channel}_{_week(each)}", []).append(each)
    written = []
    for name, found in sorted(files.items()):
        for delivery in range(max(each.deliveries for each in found)):
            path = folder / f"orders_{name}{'_again' if delivery else ''}.csv"
            path.write_bytes(_csv(found, datetime(2026, 11, 9, 6 + delivery, tzinfo=UTC)))
            written.append(path)
    return written


def _truth(found: Sequence[Order]) -> Truth:
    def total(value: Callable[[Order], Decimal], month_of: Callable[[Order], datetime]) -> Decimal:
        counted = (each for each in found if each.status != "cancelled" and _in_month(month_of(each)))
        return sum((value(each) for each in counted), Decimal("0.00"))

    def by_order(value: Callable[[Order], Decimal]) -> Decimal:
        return total(value, lambda each: each.ordered_at)

    def by_invoice(value: Callable[[Order], Decimal]) -> Decimal:
        return total(value, lambda each: each.invoiced_at)

    finance = by_invoice(lambda each: _net(each) * (not each.is_test))
    causes = {
        "time_column": by_order(_net) - by_invoice(_net),
        "filter no_test": by_invoice(lambda each: _net(each) * each.is_test),
        "expr": by_invoice(lambda each: each.amount - _net(each)),
        "dedup": by_invoice(lambda each: _net(each) * (each.deliveries - 1)),
    }
    marketing = by_order(lambda each: each.amount * each.deliveries)
    return Truth(finance, marketing, causes, sum(each.deliveries for each in found))


def _net(order: Order) -> Decimal:
    return order.amount - (order.refunded or 0)


def _in_month(moment: datetime) -> bool:
    local = moment.astimezone(_ZONE)
    return (local.year, local.month) == MONTH


def _web(week: int) -> list[Order]:
    """Small orders of households; now and then a refund, and the shop's own test account."""
    random = Random(f"roastery web {week}")  # noqa: S311 - invented data
    found = []
    for number in range(52 + int(random.random() * 16)):
        at = _moment(random, week)
        kind = random.random()
        amount = _amount(random, 12_00, 95_00)
        order = Order(
            order_id=f"W{week + 38}-{number:03d}",
            channel="web",
            country=_COUNTRIES[int(random.random() * len(_COUNTRIES))],
            account="test-shop" if kind < 0.03 else f"home-{int(random.random() * 900):03d}",
            is_test=kind < 0.03,
            status="cancelled" if 0.03 <= kind < 0.07 else "paid",
            ordered_at=at,
            invoiced_at=at + timedelta(minutes=3),
            amount=amount,
            refunded=(amount / 2).quantize(Decimal("0.01")) if 0.07 <= kind < 0.14 else None,
        )
        found.append(order)
    return found


def _cafe(week: int) -> list[Order]:
    """A few cafés order every week; one week's file came twice."""
    random = Random(f"roastery cafe {week}")  # noqa: S311
    found = []
    for number in range(7 + int(random.random() * 3)):
        at = _moment(random, week)
        order = Order(
            order_id=f"C{week + 38}-{number:03d}",
            channel="cafe",
            country="ES",
            account=f"cafe-{int(random.random() * 12):02d}",
            is_test=False,
            status="paid",
            ordered_at=at,
            invoiced_at=at + timedelta(minutes=3),
            amount=_amount(random, 60_00, 320_00),
        )
        found.append(msgspec.structs.replace(order, deliveries=2) if _week(order) == _TWICE else order)
    return found


def _office(week: int) -> list[Order]:
    """Large orders of offices, more of them when the autumn campaign runs at the end of October."""
    random = Random(f"roastery office {week}")  # noqa: S311
    campaign = 32 if week == 6 else 0
    found = []
    for number in range(9 + campaign + int(random.random() * 4)):
        at = _moment(random, week)
        found.append(_office_order(random, f"O{week + 38}-{number:03d}", at, _amount(random, 380_00, 6_400_00)))
    return found


def _office_order(random: Random, order_id: str, at: datetime, amount: Decimal) -> Order:
    return Order(
        order_id=order_id,
        channel="office",
        country=_COUNTRIES[int(random.random() * len(_COUNTRIES))],
        account=f"office-{int(random.random() * 60):02d}",
        is_test=False,
        status="paid",
        ordered_at=at,
        invoiced_at=at + timedelta(days=2 + int(random.random() * 7)),
        amount=amount,
    )


def _closing(found: list[Order]) -> Order:
    """The last order of October, invoiced in November: what is missing for the round sum."""
    at = datetime(2026, 10, 31, 17, 40, tzinfo=_ZONE)
    missing = GAP - _truth(found).gap
    assert missing > 0, "the last order must be one"
    return _office_order(Random("roastery closing"), "O44-999", at, missing)  # noqa: S311


def _moment(random: Random, week: int) -> datetime:
    """Within opening hours, so that no month depends on a minute."""
    day = _FIRST_MONDAY + timedelta(weeks=week, days=int(random.random() * 7))
    return datetime.combine(day, time(8), _ZONE) + timedelta(minutes=int(random.random() * 12 * 60))


def _amount(random: Random, least: int, most: int) -> Decimal:
    return Decimal(least + int(random.random() ** 2 * (most - least))).scaleb(-2)


def _week(order: Order) -> str:
    year, week, _ = order.ordered_at.isocalendar()
    return f"{year}-W{week:02d}"


def _csv(found: Iterable[Order], exported_at: datetime) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for each in sorted(found, key=lambda order: order.ordered_at):
        writer.writerow(
            (
                each.order_id, each.channel, each.country, each.account, str(each.is_test).lower(), each.status,
                each.ordered_at.isoformat(), each.invoiced_at.isoformat(), each.amount,
                "" if each.refunded is None else each.refunded, exported_at.isoformat(),
            )
        )  # fmt: skip
    return text.getvalue().encode()
