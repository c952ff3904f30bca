"""What declarations say about each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from startrail.base.span import Span
from startrail.base.text import did_you_mean, printable
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.project import errors
from startrail.project.bridges import check_bridges
from startrail.project.files import ROOT_FILE
from startrail.project.incidents import check_routes
from startrail.project.metrics import check_metric_names, check_metrics
from startrail.project.reports import check_places
from startrail.project.scalars import Problems
from startrail.project.schedules import check_schedules
from startrail.project.values import table_name
from startrail.project.yaml import Node


class Places(msgspec.Struct, frozen=True):
    """Finds where a key's value stands in a file that was read."""

    nodes: Mapping[str, Node]

    def of(self, file: str, *path: str | int) -> Span:
        node = self.nodes.get(file)
        return node.place(*path) if node is not None else Span(file)


def check_references(project: Project, declared: Mapping[str, frozenset[str]], places: Places, problems: Problems) -> None:
    """Append every reference to something that is not there, and every name claimed twice.

    ``declared`` holds the names of all files per folder, also of those that could not be read, so that one broken
    file is one error.
    """
    models = declared["models"]
    owners: dict[str, Source] = {}
    for source in project.sources.values():
        _check_source(source, project, declared["contracts"], places, problems)
        _check_into(source, models, owners, places, problems)
    # A source that could not be read may own any table.
    complete = len(project.sources) == len(declared["sources"])
    tables = models | owners.keys()
    for report in project.reports.values():
        if report.model is not None and report.model not in tables and complete:
            at = places.of(report.span.file, "model")
            _unknown("model", report.model, tables, at, f"report {report.name}", problems)
    check_metric_names(project, places.of, problems)
    check_metrics(project, tables, complete, places.of, problems)
    check_schedules(project, declared, places.of, problems)
    check_bridges(project, places.of, problems)
    for name, repairs in project.repairs.items():
        if name not in declared["sources"]:
            _unknown("source", name, declared["sources"], repairs.span, f"repairs of {name}", problems)
    for test in project.tests.values():
        if test.model not in models:
            _unknown("model", test.model, models, places.of(test.span.file, "model"), f"test {test.name}", problems)
    check_routes(project, problems)
    for name, profile in project.profiles.items():
        for source_name in profile.feeds:
            if source_name not in declared["sources"]:
                at = places.of(ROOT_FILE, "profiles", name, "feeds", source_name)
                _unknown("source", source_name, declared["sources"], at, f"profile {name}", problems)
        _check_destinations(name, project, declared["reports"], places, problems)
        lineage = profile.openlineage
        if lineage is not None and (lineage.file is None) == (lineage.url is None):
            which = "neither file nor url" if lineage.file is None else "both file and url"
            at = places.of(ROOT_FILE, "profiles", name, "openlineage")
            text = f"openlineage of profile {name} names {which}"
            problems.append(errors.BadValue(text, at=at, affects=f"profile {name}", hint="keep exactly one"))


def _check_destinations(profile: str, project: Project, reports: frozenset[str], places: Places, problems: Problems) -> None:
    for name, instead in project.profiles[profile].destinations.items():
        path = ("profiles", profile, "destinations", name)
        if name not in reports:
            _unknown("report", name, reports, places.of(ROOT_FILE, *path), f"profile {profile}", problems)
        elif name in project.reports:
            root = places.nodes.get(ROOT_FILE)
            check_places(project.reports[name], instead, None if root is None else root.find(*path), None, problems)


def _check_source(source: Source, project: Project, contracts: frozenset[str], places: Places, problems: Problems) -> None:
    affects, file = f"source {source.name}", source.span.file
    if source.contract is not None and source.contract not in contracts:
        _unknown("contract", source.contract, contracts, places.of(file, "contract"), affects, problems)
    contract = project.contracts.get(source.contract or "")
    column = source.partition_by
    if contract is None or column is None:
        return
    field, at = contract.field(column), places.of(file, "partition_by")
    if field is None:
        columns = [known.name for known in contract.fields]
        _unknown(f"column of contract {contract.name}", column, columns, at, affects, problems)
        return
    kind = str(field.type)
    if kind not in ("date", "timestamp", "timestamptz") or (source.grain == "hour" and kind == "date"):
        problems.append(
            errors.BadValue(
                f"'{printable(column, 60)}' is a {kind}, which has no {source.grain}",
                at=at,
                affects=affects,
                hint="partition_by names a date or timestamp column",
            )
        )


def _check_into(source: Source, models: Iterable[str], owners: dict[str, Source], places: Places, problems: Problems) -> None:
    if source.into is None:
        return
    affects, at = f"source {source.name}", places.of(source.span.file, "into")
    try:
        table_name(source.into)
    except ValueError as error:
        problems.append(errors.BadName(printable(str(error)), at=at, affects=affects, hint="such as into: raw.orders"))
        return
    other = owners.get(source.into)
    if other is not None:
        message = f"{source.into} is already loaded by source {other.name}"
        problems.append(errors.NameTaken(message, at=at, affects=affects, hint="give each source its own table"))
    elif source.into in models:
        message = f"{source.into} is already a model"
        problems.append(errors.NameTaken(message, at=at, affects=affects, hint="load into another table"))
    owners[source.into] = source


def _unknown(kind: str, name: str, known: Iterable[str], at: Span, affects: str, problems: Problems) -> None:
    message = f"there is no {kind} '{printable(name, 80)}'"
    hint = did_you_mean(name, known, f"add the {kind}, or mend the name")
    problems.append(errors.UnknownReference(message, at=at, affects=affects, hint=hint))
