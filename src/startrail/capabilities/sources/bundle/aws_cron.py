"""A cron expression in Amazon's words: six fields, and one of the two days must be ``?``.

Amazon EventBridge Scheduler User Guide, "Cron-based schedules".
"""

from __future__ import annotations

import re

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class NotForAws(ValueError):
    """The expression has no equal there; the message says why."""


def aws_crons(cron: str) -> tuple[str, ...]:
    """One expression, or two where both days are given, since each of them counts. Raises NotForAws."""
    minute, hour, day, month, weekday = cron.upper().split()
    time = f"{_listed(minute, 0, 59, ())} {_listed(hour, 0, 23, ())}"
    months = _listed(month, 1, 12, _MONTHS)
    by_day = f"cron({time} {_day(day)} {months} ? *)"
    by_weekday = f"cron({time} ? {months} {_weekday(weekday)} *)"
    if weekday == "*":
        return (by_day,)
    if day == "*":
        return (by_weekday,)
    if day.startswith("*") or weekday.startswith("*"):
        raise NotForAws("it wants a day of the month and a day of the week at once")
    return by_day, by_weekday


def _day(text: str) -> str:
    terms = text.split(",")
    if any("W" in term for term in terms):
        raise NotForAws("the last working day of a month cannot be said there")
    if "L" in terms:
        if len(terms) > 1:
            raise NotForAws("the last day of a month cannot stand beside others there")
        return "L"
    return _listed(text, 1, 31, ())


def _weekday(text: str) -> str:
    if any(term.endswith("L") for term in text.split(",")):
        raise NotForAws("the last such weekday of a month cannot be said there")
    if "#" in text:
        if "," in text:
            raise NotForAws("the n-th weekday of a month cannot stand beside others there")
        name, _, nth = text.partition("#")
        number = _DAYS.index(name) if name in _DAYS else int(name) % 7
        return f"{number + 1}#{nth}"
    numbers = {number % 7 for number in _numbers(text, 0, 7, _DAYS)}
    return "*" if len(numbers) == 7 else ",".join(str(number + 1) for number in sorted(numbers))


def _listed(text: str, low: int, high: int, names: tuple[str, ...]) -> str:
    numbers = _numbers(text, low, high, names)
    return "*" if len(numbers) == high - low + 1 else ",".join(map(str, sorted(numbers)))


def _numbers(text: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    """The values of a field, each written out: steps and names mean the same everywhere then."""
    found: set[int] = set()
    for term in text.split(","):
        match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", term)
        if match is None:
            raise NotForAws(f"'{term}' cannot be said there")
        first = low if match[1] is None else _number(match[1], low, names)
        last = high if match[1] is None else first if match[2] is None else _number(match[2], low, names)
        if first == last and match[3] is not None:
            last = high  # a step from one value on, as the scheduler here takes it, also in 2-2/5
        found.update(range(first, last + 1, int(match[3] or 1)))
    return found


def _number(word: str, low: int, names: tuple[str, ...]) -> int:
    return names.index(word) + low if word in names else int(word)
