"""All files of a project to declarations, each read by the reader of its folder, all errors collected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from startrail.base.errors import Errors, StartrailError, raise_all
from startrail.base.span import Span
from startrail.base.text import printable
from startrail.model.contract import Contract
from startrail.model.drift import VERBS, Reaction
from startrail.model.metric import Metric
from startrail.model.model import Model, ModelTest
from startrail.model.profile import Profile
from startrail.model.project import Project
from startrail.model.repair import Repairs
from startrail.model.report import Report
from startrail.model.schedule import NamedSchedule
from startrail.model.source import S3Feed, Source
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.expectations import check_expectations
from startrail.project.files import ROOT_FILE, ProjectFile
from startrail.project.forms import IncidentsForm, ModelTestForm, ProjectForm
from startrail.project.header import model_name, read_model
from startrail.project.incidents import mitigations_of, read_incidents, routes_of
from startrail.project.metrics import metric_path_name, named, read_metric
from startrail.project.odcs import contract_name, read_contract
from startrail.project.references import Places, check_references
from startrail.project.repairs import read_repairs
from startrail.project.reports import read_report
from startrail.project.scalars import Problems
from startrail.project.values import table_name
from startrail.project.yaml import Node, read_yaml

_Read = Callable[[ProjectFile, str, "_Reading"], Any]


def read_declarations(files: tuple[ProjectFile, ...], digest: str) -> Project:
    """The project of these files; ``root`` is left empty. Raises all errors together, in order of place."""
    reading = _Reading([], {})
    problems = reading.problems
    by_folder: dict[str, list[ProjectFile]] = {}
    for file in files:
        by_folder.setdefault(file.folder, []).append(file)
    declared: dict[str, dict[str, ProjectFile]] = {}
    values: dict[str, dict[str, Any]] = {}
    for folder, (word, name_of, read) in _READERS.items():
        declared[folder] = _named(by_folder.get(folder, []), name_of, problems)
        values[folder] = _each(declared[folder], word, read, reading)
    head = _guarded(by_folder[ROOT_FILE][0], "the project", "", _project_form, reading) or ProjectForm("")
    project = Project(
        head.name,
        "",
        head.profiles or {"local": Profile()},
        values["sources"],
        values["contracts"],
        values["models"],
        values["reports"],
        values["tests"],
        digest,
        values["contracts/repairs"],
        named(values["metrics"], problems),
        routes_of(values["incidents"].values(), problems),
        mitigations_of(values["incidents"].values(), problems),
        values["schedules"],
    )
    names = {folder: frozenset(files) for folder, files in declared.items()}
    check_references(project, names, Places(reading.nodes), problems)
    raise_all(sorted(problems, key=lambda problem: problem.at or Span("")))
    return project


class _Reading(msgspec.Struct, frozen=True):
    """What is gathered on the way: problems, and the trees of the YAML files for messages about references."""

    problems: Problems
    nodes: dict[str, Node]

    def yaml(self, file: ProjectFile) -> Node:
        node = self.nodes[file.path] = read_yaml(file.data, file.path)
        return node


def _named(files: list[ProjectFile], name_of: Callable[[str], str], problems: Problems) -> dict[str, ProjectFile]:
    """Files by the name they declare; a name is taken by the first."""
    named: dict[str, ProjectFile] = {}
    for file in files:
        try:
            name = name_of(file.path)
        except StartrailError as error:
            problems.append(error)
            continue
        if name in named:
            problems.append(
                errors.NameTaken(f"'{name}' is declared twice", at=Span(file.path), hint=f"the other one is {named[name].path}")
            )
        else:
            named[name] = file
    return named


def _each(named: dict[str, ProjectFile], word: str, read: _Read, reading: _Reading) -> dict[str, Any]:
    values = {name: _guarded(file, f"{word} {name}", name, read, reading) for name, file in named.items()}
    return {name: value for name, value in values.items() if value is not None}


def _guarded(file: ProjectFile, affects: str, name: str, read: _Read, reading: _Reading) -> Any:
    """What the reader makes of a file, or None; whatever is wrong is added to the problems with what it affects."""
    found: Problems = []
    value = None
    try:
        value = read(file, name, _Reading(found, reading.nodes))
    except Errors as several:
        found.extend(several.errors)
    except StartrailError as error:
        found.append(error)
    for problem in found:
        problem.affects = problem.affects or affects
    reading.problems.extend(found)
    return None if found else value


def _stem(path: str) -> str:
    """``sources/orders_api.yml`` -> ``orders_api``."""
    return _checked_name(path.rpartition("/")[2].rpartition(".")[0], path)


def _contract_name(path: str) -> str:
    return _checked_name(contract_name(path), path)


def _test_name(path: str) -> str:
    """``tests/marts/sales_daily.yml`` -> ``marts.sales_daily``."""
    parts = path.rpartition(".")[0].split("/")[1:]
    return ".".join(_checked_name(part, path) for part in parts)


def _checked_name(name: str, path: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name) is None:
        raise errors.BadName(
            f"'{printable(name, 60)}' cannot be a name", at=Span(path), hint="use letters, digits, underscores and hyphens"
        )
    return name


def _project_form(file: ProjectFile, _name: str, reading: _Reading) -> ProjectForm | None:
    return decode(reading.yaml(file), ProjectForm, reading.problems, what=ROOT_FILE)


def _source(file: ProjectFile, name: str, reading: _Reading) -> Source | None:
    node = reading.yaml(file)
    source = decode(node, Source, reading.problems, what=f"source {name}", given={"name": name})
    if source is not None and source.into is not None and source.contract is None:
        message = f"{name} loads into {printable(source.into, 80)} without a contract"
        hint = "add contract: NAME, or remove into"
        reading.problems.append(errors.ContractMissing(message, at=node.place("into"), hint=hint))
    if source is not None:
        _check_drift(source, node, reading.problems)
        check_expectations(source, node, reading.problems)
        if isinstance(source.feed, S3Feed) and source.feed.queue is not None and source.feed.events is not None:
            message = f"source {name} names both queue and events"
            at = node.place("feed", "events")
            reading.problems.append(errors.BadValue(message, at=at, hint="keep events, with the queue in it"))
    return source


def _check_drift(source: Source, node: Node, problems: Problems) -> None:
    """Not every verb can be done about every kind."""
    for kind, verbs in VERBS.items():
        wanted = getattr(source.drift, kind)
        verb = wanted.do if isinstance(wanted, Reaction) else wanted
        if verb is not None and verb not in verbs:
            at, hint = node.place("drift", kind), f"{kind} can be one of {', '.join(verbs)}"
            problems.append(errors.UnknownWord(f"'{kind}' cannot be '{verb}'", at=at, hint=hint))


def _contract(file: ProjectFile, _name: str, reading: _Reading) -> Contract | None:
    return read_contract(file.data, file.path, reading.problems)


def _repairs(file: ProjectFile, name: str, reading: _Reading) -> Repairs | None:
    return read_repairs(reading.yaml(file), name, file.sha256, reading.problems)


def _model(file: ProjectFile, _name: str, reading: _Reading) -> Model | None:
    return read_model(file.data, file.path, reading.problems)


def _metric(file: ProjectFile, name: str, reading: _Reading) -> Metric | None:
    return read_metric(reading.yaml(file), name, reading.problems)


def _incidents(file: ProjectFile, name: str, reading: _Reading) -> IncidentsForm | None:
    return read_incidents(reading.yaml(file), name, reading.problems)


def _report(file: ProjectFile, name: str, reading: _Reading) -> Report | None:
    return read_report(reading.yaml(file), name, reading.problems)


def _test(file: ProjectFile, name: str, reading: _Reading) -> ModelTest | None:
    node = reading.yaml(file)
    form = decode(node, ModelTestForm, reading.problems, what=f"test {name}")
    if form is None:
        return None
    tables = node.find("given")
    for table, child in tables.value.items() if tables is not None and isinstance(tables.value, dict) else ():
        try:
            table_name(table)
        except ValueError as error:
            reading.problems.append(errors.BadValue(printable(str(error)), at=child.key, hint="write namespace.name"))
    return ModelTest(name, form.model or name, form.given, form.expect, form.parameters, node.at)


def _schedule(file: ProjectFile, name: str, reading: _Reading) -> NamedSchedule | None:
    node = reading.yaml(file)
    schedule = decode(node, NamedSchedule, reading.problems, what=f"schedule {name}", given={"name": name})
    if schedule is not None and schedule.run and schedule.script is not None:
        message = f"schedule {name} names both run and script"
        reading.problems.append(errors.BadValue(message, at=node.place("script"), hint="keep one of them"))
    return schedule


_READERS: dict[str, tuple[str, Callable[[str], str], _Read]] = {
    "contracts": ("contract", _contract_name, _contract),
    "sources": ("source", _stem, _source),
    "models": ("model", model_name, _model),
    "metrics": ("metric", metric_path_name, _metric),
    "reports": ("report", _stem, _report),
    "tests": ("test", _test_name, _test),
    "incidents": ("incidents", _stem, _incidents),
    "contracts/repairs": ("repairs of", _stem, _repairs),
    "schedules": ("schedule", _stem, _schedule),
}
