"""What a source says about files that are expected."""

from __future__ import annotations

from datetime import datetime

from startrail.base.text import printable
from startrail.model.dated import expand, is_dated
from startrail.model.expect import Expectation
from startrail.model.source import Source
from startrail.project import errors
from startrail.project.scalars import Problems
from startrail.project.yaml import Node

_MOST = 20
_SAMPLE = datetime(2026, 1, 31, 6)


def check_expectations(source: Source, node: Node, problems: Problems) -> None:
    """Append what is wrong with ``expect``, each at its place."""
    if source.on_replace != "hold" and not source.keeps_names:
        message = "'on_replace' needs a feed of files: pages and rows have no names of their own"
        problems.append(errors.BadValue(message, at=node.place("on_replace"), hint="remove on_replace"))
    if not source.expect:
        return
    if not source.keeps_names:
        message = "'expect' needs a feed of files: pages and rows have no names of their own"
        problems.append(errors.BadValue(message, at=node.place("expect"), hint="expect files of a feed of files"))
    if len(source.expect) > _MOST:
        message, hint = f"'expect' has more than {_MOST} items", "say the same with wildcards and at_least"
        problems.append(errors.BadValue(message, at=node.place("expect"), hint=hint))
    seen: set[str] = set()
    for number, each in enumerate(source.expect):
        _check(each, number, node, problems)
        if each.what in seen:
            message = f"the same is expected twice: {printable(each.what, 120)}"
            problems.append(errors.NameTaken(message, at=node.place("expect", number), hint="remove one of them"))
        seen.add(each.what)


def _check(each: Expectation, number: int, node: Node, problems: Problems) -> None:
    def bad(message: str, hint: str, *key: str) -> None:
        problems.append(errors.BadValue(message, at=node.place("expect", number, *key), hint=hint))

    if (each.by is None) == (each.cron is None):
        which = "neither by nor cron" if each.by is None else "both by and cron"
        bad(f"an item of 'expect' names {which}", 'keep exactly one, such as by: "06:00"')
    if each.days and each.cron is not None:
        bad("'days' goes with 'by'", "say the days in the cron expression", "days")
    if len(set(each.days)) < len(each.days):
        bad("a day stands twice in 'days'", "name each day once", "days")
    if not each.file:
        bad("'file' is empty", "name a file, or a pattern such as *.csv", "file")
    try:
        expand(each.file, _SAMPLE)
    except ValueError as error:
        bad(printable(str(error), 200), 'such as "sales_{date:%Y%m%d}_*.csv"', "file")
        return
    if each.days_before and not is_dated(each.file):
        bad("'days_before' needs a name in which the day stands", 'such as "sales_{date:%Y%m%d}.csv"', "days_before")
