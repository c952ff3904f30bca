"""What files' names say, as commands show it."""

from __future__ import annotations

from startrail.base.text import printable
from startrail.model.pattern import Named


def said(names: Named) -> str:
    """``; date 2026-05-01, store 07``, or why the name does not say it; nothing where no pattern has fields."""
    if names.problem is not None:
        return f"; its name {names.problem}"
    if not names.fields:
        return ""
    return "; " + ", ".join(f"{name} {printable(text, 60)}" for name, text in names.fields.items())
