"""The world of planted scenarios: orders, accounts, tags and rates of one month."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from startrail.model.metric import Metric
from startrail.model.table import Column, TableSchema
from startrail.model.types import parse_type
from startrail.ports.warehouse import Rowset

PERIOD = "2026-10"
"""The period that every scenario is about."""
_COUNTRIES, _CHANNELS = ("ES", "FR", "DE", "PT"), ("web", "shop", "app")


def _schema(**types: str) -> TableSchema:
    return TableSchema(tuple(Column(name, parse_type(text), id) for id, (name, text) in enumerate(types.items(), 1)))


ORDERS = _schema(
    order_id="long", user_id="long", account_id="long", ordered_at="timestamptz", invoiced_at="timestamptz",
    loaded_at="timestamptz", status="string", is_test="boolean", amount="decimal(18,2)", refunded="decimal(18,2)",
    discount="decimal(18,2)", currency="string", country="string", channel="string",
)  # fmt: skip
ACCOUNTS = _schema(id="long", name="string")
TAGS = _schema(order_id="long", tag="string")
RATES = _schema(currency="string", day="date", rate="decimal(18,8)")


class Order(msgspec.Struct, frozen=True):
    """One row of ``marts.orders``; as it is by default, both definitions of any scenario see it alike."""

    order_id: int
    user_id: int
    account_id: int
    ordered_at: datetime
    invoiced_at: datetime
    loaded_at: datetime
    status: str = "paid"
    is_test: bool = False
    amount: Decimal = Decimal("10.00")
    refunded: Decimal | None = None
    discount: Decimal | None = Decimal("0.00")
    currency: str = "EUR"
    country: str = "ES"
    channel: str = "web"


class Planted(msgspec.Struct, frozen=True):
    """Two metrics over small tables, and what the gap between them consists of."""

    names: tuple[str, ...]
    seed: int
    a: Metric
    b: Metric
    tables_a: tuple[Rowset, ...]
    tables_b: tuple[Rowset, ...]
    """The same as ``tables_a`` unless the numbers are of two times."""
    truth: dict[str, Decimal]
    """Cause -> what it is worth; causes that differ in text alone are not in it."""
    refused: bool = False
    """Whether nothing may be attributed."""

    @property
    def gap(self) -> Decimal:
        """B less A."""
        return sum(self.truth.values(), Decimal(0))


class World:
    """The rows while they are planted. Side B is later: it has all rows of side A but those that were replaced."""

    def __init__(self, seed: int, rows: int) -> None:
        self.random = random.Random(f"startrail scenarios {seed}")  # noqa: S311 - made to be repeated
        self.orders: list[Order] = []
        self.later: dict[int, Order | None] = {}
        """Side B's row by number of order, None = it is gone; a row that only B has stands under a number of its own."""
        self.added: list[Order] = []
        self.tags: list[tuple[int, str]] = []
        self.accounts: dict[int, str] = {account: f"account {account}" for account in range(1, 6)}
        self.rates: list[tuple[str, date, Decimal]] = []
        self.truth: dict[str, Decimal] = {}
        self.counts: dict[str, Decimal] = {}
        self._next = 1
        for _ in range(rows):
            self.put()

    def put(self, **fields: Any) -> Order:
        """One more order; ``at`` is the time of order and invoice."""
        order = self.make(**fields)
        self.orders.append(order)
        return order

    def make(self, **fields: Any) -> Order:
        """An order that is in no table yet."""
        at = fields.pop("at", None) or datetime(2026, 10, self.random.randint(8, 20), self.random.randint(8, 18), 30, tzinfo=UTC)
        number, self._next = self._next, self._next + 1
        defaults: dict[str, Any] = {
            "order_id": number,
            "user_id": 100_000 + number,
            "account_id": self.random.randint(1, 5),
            "ordered_at": at,
            "invoiced_at": at,
            "loaded_at": at + timedelta(hours=2),
            "amount": self.amount(),
            "country": self.random.choice(_COUNTRIES),
            "channel": self.random.choice(_CHANNELS),
        }
        return Order(**(defaults | fields))

    def amount(self, most: int = 500_00) -> Decimal:
        """Some amount of at least a unit."""
        return Decimal(self.random.randint(100, most)).scaleb(-2)

    def some(self) -> range:
        """How many rows are planted for one reason."""
        return range(self.random.randint(3, 8))

    def due(self, cause: str, amount: Decimal, count: int = 0) -> None:
        """Note what a cause is worth: in money, and in distinct customers."""
        self.truth[cause] = self.truth.get(cause, Decimal(0)) + amount
        self.counts[cause] = self.counts.get(cause, Decimal(0)) + count

    def tables(self, *, later: bool = False) -> tuple[Rowset, ...]:
        """All tables, as they are on one side."""
        orders = self.orders if not later else [*self._replaced(), *self.added]
        return (
            Rowset("marts.orders", ORDERS, tuple(msgspec.structs.astuple(order) for order in orders)),
            Rowset("marts.accounts", ACCOUNTS, tuple(self.accounts.items())),
            Rowset("marts.tags", TAGS, tuple(self.tags)),
            Rowset("marts.fx", RATES, tuple(self.rates)),
        )

    def _replaced(self) -> list[Order]:
        found = [self.later.get(order.order_id, order) for order in self.orders]
        return [order for order in found if order is not None]
