"""Instants in columns: fixed-width UTC text, whose order is time's."""

from __future__ import annotations

from datetime import datetime

from startrail.base.time import from_text, to_text


def text_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else to_text(instant)


def instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)
