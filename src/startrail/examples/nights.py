"""The shop's invented trade: what one night brings, as values. The same number always gives the same night.

Nothing here knows of SQL or of files; :mod:`startrail.examples.totals` adds these values up on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

FIRST_DAY = date(2026, 10, 1)
PAGE_SIZE = 100
CENT = Decimal("0.01")

_T = TypeVar("_T")


class Store(msgspec.Struct, frozen=True):
    """``busy`` is the number of sales on an ordinary day."""

    name: str
    code: str
    currency: str
    timezone: str
    busy: int


class Line(msgspec.Struct, frozen=True):
    """A sale or refund, in a shop or on the web. ``written`` is the quantity as upstream writes it: a number,
    or since the drifted night text, and in a few orders nonsense (then ``valid`` is false)."""

    id: str
    store: str
    at: datetime
    kind: str
    sku: str
    product: str
    quantity: int
    unit_price: Decimal
    amount: Decimal
    currency: str
    customer: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None
    coupon: str | None = None
    tier: str | None = None
    written: int | float | str = 0
    valid: bool = True


class Night(msgspec.Struct, frozen=True):
    """All that arrives after ``day``. ``rates``: euros per unit of each currency."""

    day: date
    sales: dict[str, tuple[Line, ...]]
    orders: tuple[Line, ...]
    rates: dict[str, Decimal]

    def pages(self) -> list[tuple[Line, ...]]:
        return [self.orders[i : i + PAGE_SIZE] for i in range(0, len(self.orders), PAGE_SIZE)]


STORES = (
    Store("madrid-centro", "MAD", "EUR", "Europe/Madrid", 170),
    Store("barcelona-gracia", "BCN", "EUR", "Europe/Madrid", 140),
    Store("lisbon-chiado", "LIS", "EUR", "Europe/Lisbon", 105),
    Store("london-soho", "LON", "GBP", "Europe/London", 125),
)
ONLINE = "online"

_PRODUCTS = (
    ("CF-HUILA-250", "Café de Huila, 250 g", "9.95"),
    ("CF-YIRGA-250", "Yirgacheffe ይርጋጨፌ, 250 g", "12.40"),
    ("TE-SENCHA-100", "Sencha 煎茶, 100 g", "14.20"),
    ("TE-AHMAD-080", 'Black tea "Breakfast", 80 g', "6.35"),
    ("CH-OAXACA-070", "Chocolate «Oaxaca» 70 %", "4.85"),
    ("CH-PERU-085", "Chocolate «Perú» 85 %", "5.15"),
    ("HN-LAVAND-500", "Miel de lavanda, 500 g", "8.79"),
    ("BK-PASTEL-006", "Pastéis de nata, caixa de 6", "7.20"),
    ("BK-SHORTB-200", "Shortbread, 200 g", "3.99"),
    ("MG-CUP-001", "Taza esmaltada", "11.50"),
)
_NAMES = (
    "Lucía Núñez", "Zoë Ångström", "João Gonçalves", "Siân O'Brien", "Ünal Şahin", "Мария Ковач",
    "李小龙", "Ἑλένη Παππᾶ", "Fatima عمر", "D'Arcy, James", "Noor van 't Hoff", "Ágnes Kőszegi",
)  # fmt: skip
_COUNTRIES = (("ES", "EUR"), ("PT", "EUR"), ("DE", "EUR"), ("FR", "EUR"), ("GB", "GBP"), ("CH", "CHF"), ("SE", "SEK"))
_PRICE_FACTOR = {"SEK": 11}
_BASE_RATES = {"GBP": Decimal("1.151200"), "CHF": Decimal("1.064800"), "SEK": Decimal("0.088150")}
_WEEKDAY = (0.9, 0.88, 0.95, 1.0, 1.2, 1.4, 0.75)


def day_of(number: int) -> date:
    """The business day of night ``number``, counted from 1."""
    return FIRST_DAY + timedelta(days=number - 1)


def night(number: int, *, drifted: bool = False) -> Night:
    """What arrives after day ``number``. ``drifted``: the API's release that adds a field and writes the
    quantity as text; everything else is as without it."""
    day = day_of(number)
    sales = {store.name: _sales(store, day) for store in STORES}
    return Night(day, sales, _orders(day, drifted), _rates(number))


def _sales(store: Store, day: date) -> tuple[Line, ...]:
    random = Random(f"{store.code} {day}")  # noqa: S311 - invented data
    opens = datetime.combine(day, time(9, 30), ZoneInfo(store.timezone))
    moments = sorted(int(random.random() * 11 * 3600) for _ in range(_busy(random, store.busy, day)))
    lines: list[Line] = []
    for number, seconds in enumerate(moments, 1):
        at = opens + timedelta(seconds=seconds)
        lines.append(_line(random, f"{store.code}-{day:%Y%m%d}-{number:04d}", store.name, at, store.currency))
    return tuple(lines)


def _orders(day: date, drifted: bool) -> tuple[Line, ...]:
    random = Random(f"WEB {day}")  # noqa: S311
    midnight = datetime.combine(day, time(0), UTC)
    moments = sorted(int(random.random() * 86400) for _ in range(226 + int(random.random() * 50)))
    lines: list[Line] = []
    for number, seconds in enumerate(moments):
        country, currency = _pick(random, _COUNTRIES)
        line = _line(random, f"WEB-{day:%Y%m%d}-{number + 1:04d}", ONLINE, midnight + timedelta(seconds=seconds), currency)
        email = f"kunde{int(random.random() * 9000)}@example.net" if random.random() < 0.7 else None
        line = msgspec.structs.replace(
            line,
            customer=line.customer or _pick(random, _NAMES),
            country=country,
            email=email,
            phone=_phone(line.id, country),
            coupon="OTOÑO10" if random.random() < 0.15 else None,
        )
        lines.append(_drift(line, number) if drifted else line)
    return tuple(lines)


def _phone(id: str, country: str) -> str | None:
    """Most people give one; in Germany, few do. A chance of its own, so that nothing else of a night depends on it."""
    random = Random(f"phone {id}")  # noqa: S311
    given = random.random() < (0.35 if country == "DE" else 0.85)
    return f"+99 {int(random.random() * 1e8):08d}" if given else None


def _drift(line: Line, position: int) -> Line:
    """At most three bad orders in a page of a hundred, so that the policy's five per cent is not reached."""
    written: float | str = str(line.quantity)
    if position % 50 == 11:
        written = "two"
    elif position % 100 == 60:
        written = 1.5
    tier = ("bronze", "silver", "gold")[position % 3]
    return msgspec.structs.replace(line, tier=tier, written=written, valid=written == str(line.quantity))


def _line(random: Random, id: str, store: str, at: datetime, currency: str) -> Line:
    sku, product, price = _pick(random, _PRODUCTS)
    quantity = 1 + int(random.random() ** 2 * 5)
    refund = random.random() < 0.04
    unit_price = Decimal(price) * _PRICE_FACTOR.get(currency, 1)
    amount = unit_price * quantity
    return Line(
        id=id,
        store=store,
        at=at,
        kind="refund" if refund else "sale",
        sku=sku,
        product=product,
        quantity=quantity,
        unit_price=unit_price,
        amount=-amount if refund else amount,
        currency=currency,
        customer=_pick(random, _NAMES) if random.random() < 0.4 else None,
        written=quantity,
    )


def _rates(number: int) -> dict[str, Decimal]:
    """A walk from the first day on, in integer steps of a millionth so that no float is involved."""
    rates = {"EUR": Decimal("1.000000")}
    for currency, base in _BASE_RATES.items():
        steps = 0
        for earlier in range(1, number + 1):
            steps += int(Random(f"{currency} {earlier}").random() * 6001) - 3000  # noqa: S311
        rates[currency] = (base * (1 + Decimal(steps) / 1_000_000)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return rates


def _busy(random: Random, usual: int, day: date) -> int:
    return int(usual * _WEEKDAY[day.weekday()] * (0.92 + 0.16 * random.random()))


def _pick(random: Random, choices: Sequence[_T]) -> _T:
    return choices[int(random.random() * len(choices))]
