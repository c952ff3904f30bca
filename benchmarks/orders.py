"""Seeded NDJSON orders: 15 columns with a nested object, a list of objects, decimals as text and timestamps."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

NEW_FIELD_FROM = 20_481
"""The first record that carries ``loyalty_tier``: one past the rows that engines sample when they infer a schema."""

_CITIES = ("Madrid", "Sevilla", "Ávila", "A Coruña", "München", "Łódź", "Lyon", "Porto")
_STATUS = ("placed", "paid", "shipped", "returned")
_TIERS = ("none", "silver", "gold")


def order(random: random.Random, number: int) -> dict[str, object]:
    """One order. Field order and presence are the same in every record but for ``loyalty_tier``."""
    items = [
        {
            "sku": f"SKU-{random.randrange(5000):05d}",
            "quantity": random.randrange(1, 6),
            "unit_price": f"{random.randrange(100, 20000) / 100:.2f}",
        }
        for _ in range(random.randrange(1, 4))
    ]
    day = f"2026-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}"
    clock = f"{random.randrange(24):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}"
    return {
        "order_id": number,
        "status": random.choice(_STATUS),
        "placed_at": f"{day}T{clock}Z",
        "updated_at": f"{day}T{clock}.{random.randrange(1_000_000):06d}+02:00",
        "delivery_day": day,
        "store": random.randrange(1, 400),
        "currency": random.choice(("EUR", "USD", "GBP")),
        "total": f"{random.randrange(100, 1_000_000) / 100:.2f}",
        "tax": f"{random.randrange(0, 100_000) / 100:.2f}",
        "discount": None if random.random() < 0.7 else f"{random.randrange(0, 10_000) / 100:.2f}",
        "weight_kg": round(random.random() * 20, 3),
        "gift": random.random() < 0.1,
        "note": None if random.random() < 0.8 else "leave at the door — ring twice",
        "customer": {
            "id": random.randrange(1_000_000),
            "name": f"Customer {random.randrange(100_000)}",
            "city": random.choice(_CITIES),
            "country": "ES",
        },
        "items": items,
    }


def lines(seed: int = 7, new_field_from: int = NEW_FIELD_FROM) -> Iterator[bytes]:
    """Endless NDJSON lines. From record ``new_field_from`` on, every record has one more field."""
    source = random.Random(seed)
    number = 0
    while True:
        number += 1
        record = order(source, number)
        if number >= new_field_from:
            record["loyalty_tier"] = source.choice(_TIERS)
        yield json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def write(path: Path, megabytes: int, *, seed: int = 7, new_field_from: int = NEW_FIELD_FROM) -> int:
    """Write about ``megabytes`` of orders; returns the number of records.

    Twenty thousand records are drawn freely; beyond them the same ones come again under new order numbers,
    because drawing each of them would take longer than loading them.
    """
    records, size, target = 0, 0, megabytes * 1_000_000
    drawn_from = min(new_field_from, NEW_FIELD_FROM)
    drawn: list[tuple[bytes, bytes]] = []
    tail = 0
    source = lines(seed, new_field_from)
    with path.open("wb") as file:
        while size < target:
            records += 1
            if records < drawn_from + 20_000:
                line = next(source)
                if records >= drawn_from:
                    drawn.append((line[: line.index(b":") + 1], line[line.index(b",") :]))
            else:
                head, rest = drawn[tail % len(drawn)]
                tail += 1
                line = head + str(records).encode() + rest
            size += file.write(line)
    return records
