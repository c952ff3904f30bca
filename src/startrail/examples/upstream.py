"""The upstream's files: one night's values written as the shops, the API and the treasury would."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path

from startrail.examples.nights import Line, Night

SALES_HEADER = (
    "sale_id", "store", "sold_on", "sold_at", "kind", "sku", "product", "quantity", "unit_price", "amount",
    "currency", "customer",
)  # fmt: skip


def files(night: Night) -> Iterator[tuple[str, bytes]]:
    """Paths below ``upstream/`` with their exact bytes."""
    for store, lines in night.sales.items():
        yield f"ftp/sales_{night.day}_{store}.csv", _sales(night, lines)
    pages = night.pages()
    for number, lines in enumerate(pages, 1):
        yield f"api/orders_{night.day}_p{number}.json", _page(night, number, len(pages), lines)
    yield f"rates/fx_{night.day}.csv", _rates(night)


def put(folder: Path, night: Night) -> list[Path]:
    """Write one night below ``folder``, replacing what is there of it; each file appears whole."""
    written: list[Path] = []
    for name, data in files(night):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.part")
        half.write_bytes(data)
        half.replace(path)
        written.append(path)
    return written


def _sales(night: Night, lines: Iterable[Line]) -> bytes:
    rows = (
        (
            line.id, line.store, night.day, line.at.isoformat(), line.kind, line.sku, line.product, line.written,
            line.unit_price, line.amount, line.currency, line.customer or "",
        )
        for line in lines
    )  # fmt: skip
    return _csv(SALES_HEADER, rows)


def _rates(night: Night) -> bytes:
    return _csv(("day", "currency", "eur_per_unit"), ((night.day, name, rate) for name, rate in night.rates.items()))


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _page(night: Night, number: int, pages: int, lines: Iterable[Line]) -> bytes:
    document = {"day": str(night.day), "page": number, "pages": pages, "orders": [_order(line) for line in lines]}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _order(line: Line) -> dict[str, object]:
    order: dict[str, object] = {
        "order_id": line.id,
        "ordered_at": f"{line.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "kind": line.kind,
        "customer": {"name": line.customer, "country": line.country, "email": line.email},
        "sku": line.sku,
        "product": line.product,
        "quantity": line.written,
        "amount": str(line.amount),
        "currency": line.currency,
        "coupon": line.coupon,
        "phone": line.phone,
    }
    if line.tier is not None:
        order["loyalty_tier"] = line.tier
    return order
