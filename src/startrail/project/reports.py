"""Reports: what they name, where they go, and whether that can be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.model.address import address, is_loopback
from startrail.model.destination import Destination, EmailDestination
from startrail.model.report import Report
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.scalars import Problems
from startrail.project.yaml import Node


def read_report(node: Node, name: str, problems: Problems) -> Report | None:
    """The report of a file; appends what is wrong with it."""
    report = decode(node, Report, problems, what=f"report {name}", given={"name": name})
    if report is None:
        return None
    if (report.model is None) == (report.query is None):
        which = "neither model nor query" if report.model is None else "both model and query"
        problems.append(errors.ReportSubject(f"report {name} names {which}", at=report.span, hint="keep exactly one"))
    if report.file is not None and not _is_file_name(report.file):
        problems.append(
            errors.BadValue(
                f"'{printable(report.file, 80)}' is not a file name", at=node.place("file"), hint='such as "sales_{date}.csv"'
            )
        )
    if (report.destination is None) == (not report.destinations):
        which = "no destination" if report.destination is None else "both destination and destinations"
        problems.append(errors.MissingKey(f"report {name} names {which}", at=node.at, hint="keep exactly one"))
        return report
    if report.destination is None:
        check_places(report, report.destinations, node.find("destinations"), node, problems)
    else:
        check_places(report, (report.destination,), node, node, problems)
    return report


def check_places(
    report: Report, declared: Sequence[Destination], where: Node | None, node: Node | None, problems: Problems
) -> None:
    """Append what is wrong with where a report goes: ``where`` is the node of a list of destinations, or has ``destination``;
    ``node`` is the report's own, None when its destinations stand elsewhere."""
    at = report.span if where is None else where.place("destination")
    for number, each in enumerate(declared):
        if isinstance(each, EmailDestination):
            found = None if where is None else where.find(number) or where.find("destination")
            _check_email(each, found, report, problems)
    labels = Counter(place.label for place in msgspec.structs.replace(report, destination=None, destinations=declared).places())
    for label in sorted(label for label, times in labels.items() if times > 1):
        problems.append(errors.BadValue(f"'{printable(label, 80)}' is named twice", at=at, hint="name every place once"))
    if not any(each.counts for each in declared):
        text = f"no destination of report {report.name} counts, so it could never be said to be delivered"
        problems.append(errors.BadValue(text, at=at, hint="remove `counts: false` from one"))
    if any(isinstance(each, EmailDestination) for each in declared):
        _check_recipients(report, at if node is None else node.place("recipients"), problems)


def _check_recipients(report: Report, at: Span, problems: Problems) -> None:
    if not report.recipients:
        text = f"report {report.name} is sent by e-mail, and has no recipients"
        problems.append(errors.MissingKey(text, at=at, hint="add recipients: [ana@shop.example]"))
    for each in report.recipients:
        try:
            address(each)
        except ValueError as error:
            problems.append(errors.BadValue(printable(str(error), 300), at=at, hint="write name@domain"))


def _check_email(declared: EmailDestination, node: Node | None, report: Report, problems: Problems) -> None:
    def wrong(text: str, key: str, hint: str) -> None:
        at = report.span if node is None else node.place(key)
        problems.append(errors.BadValue(text, at=at, hint=hint))

    try:
        address(declared.sender)
    except ValueError as error:
        wrong(f"'sender': {printable(str(error), 300)}", "sender", "write name@domain")
    if declared.security == "none" and not is_loopback(declared.host):
        wrong(f"mail to {printable(declared.host, 80)} would go without TLS", "security", "write starttls or tls")
    if (declared.user is None) != (declared.password is None):
        wrong("'user' and 'password' go together", "user", "give both, or neither")
    if declared.subject is not None and not (declared.subject.isprintable() and declared.subject.strip()):
        wrong("'subject' must be one line of text", "subject", "such as '{title} of {date}'")
    if declared.show == "inline" and report.format != "html":
        wrong(f"a report as {report.format} cannot be the message itself", "show", "write attach, or format: html")


def _is_file_name(text: str) -> bool:
    bare = text.replace("{date}", "x")
    return re.fullmatch(r"[^/\\{}\x00-\x1f]+", bare) is not None and bare.strip(". ") != ""
