"""Derived values that may be lost."""

from __future__ import annotations

from collections.abc import Iterable

from startrail.adapters.ledger.session import Session


def get(session: Session, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
    return {key: bytes(value) for key, value in session.all_in("cache.get", keys, kind=kind)}


def put(session: Session, kind: str, values: dict[str, bytes]) -> None:
    session.many("cache.put", [{"kind": kind, "key": key, "value": value} for key, value in values.items()])
