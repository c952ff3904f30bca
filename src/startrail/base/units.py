"""Sizes, durations and shares as people write them in declarations."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

_SIZES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*")


def parse_size(text: str) -> int:
    """``"2 GB"`` -> 2000000000 bytes. Raises ValueError with a sentence."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2].lower() not in _SIZES:
        raise ValueError(f"'{text}' is not a size; write it as 700 MB or 2 GiB")
    return int(Fraction(match[1]) * _SIZES[match[2].lower()])


def parse_duration(text: str) -> timedelta:
    """``"3 days"``, ``"400d"``, ``"90s"`` -> timedelta. Raises ValueError with a sentence."""
    match = _QUANTITY.fullmatch(text)
    unit = match[2].lower() if match else ""
    if unit not in _SECONDS and unit.endswith("s"):
        unit = unit[:-1]
    if match is None or unit not in _SECONDS:
        raise ValueError(f"'{text}' is not a duration; write it as 3 days, 12h or 90s")
    return timedelta(seconds=float(Fraction(match[1]) * _SECONDS[unit]))


def parse_days(text: str) -> int:
    """``"P3D"``, ``"P2W"``, ``"3 days"`` -> a number of days. Raises ValueError with a sentence."""
    match = re.fullmatch(r"P(\d{1,4})([DW])", text.strip(), re.ASCII)
    if match is not None:
        return int(match[1]) * (7 if match[2] == "W" else 1)
    try:
        whole, rest = divmod(parse_duration(text), timedelta(days=1))
    except ValueError:
        whole, rest = 0, timedelta(1)
    if rest:
        raise ValueError(f"'{text}' is not a number of whole days; write it as P3D or 3 days")
    return whole


def parse_share(text: str) -> Fraction:
    """``"5%"`` -> 1/20. Raises ValueError with a sentence."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    if match is None or Fraction(match[1]) > 100:
        raise ValueError(f"'{text}' is not a share; write it as 5%")
    return Fraction(match[1]) / 100


def show_size(count: int) -> str:
    """Bytes for people, in powers of 1000."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
