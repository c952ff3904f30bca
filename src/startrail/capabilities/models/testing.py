"""Unit tests of models: small given tables, the model's own SQL, the rows expected of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

import msgspec

from startrail.base.errors import ModelError, StartrailError
from startrail.base.text import did_you_mean
from startrail.base.time import partition_bounds
from startrail.capabilities.models.testing_values import as_built, comparable, infer, typed
from startrail.flow.session import Ports
from startrail.model.analysis import Analysis
from startrail.model.model import Model, ModelTest
from startrail.model.project import Project
from startrail.model.table import Column, TableSchema
from startrail.model.types import parse_type
from startrail.ports.warehouse import Query, Rowset, Warehouse

_SHOWN = 10


class ModelTestWrong(ModelError):
    """A unit test of a model cannot be run as it is written.

    It names a model, a table, a column or a value that does not fit. Mend the file under ``tests/``.
    """

    code = "ST440"


class ModelTestResult(msgspec.Struct, frozen=True, tag_field="type", tag="test"):
    """Outcome of one test. ``missing`` rows were expected and did not come; ``unexpected`` ones came all the same."""

    name: str
    model: str
    passed: bool
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    error: str = ""

    def text(self) -> str:
        """For people: one line when it passed, the difference when not."""
        lines = [f"{'pass' if self.passed else 'FAIL'}  {self.name}"]
        lines += [f"      - {row}" for row in self.missing[:_SHOWN]]
        lines += [f"      + {row}" for row in self.unexpected[:_SHOWN]]
        left = max(len(self.missing) - _SHOWN, 0) + max(len(self.unexpected) - _SHOWN, 0)
        if left:
            lines.append(f"      and {left} more rows")
        lines += [f"      {line}" for line in self.error.splitlines()]
        return "\n".join(lines)


def run_tests(project: Project, ports: Ports, chosen: Container[str]) -> list[ModelTestResult]:
    """Run the tests of the chosen models, by name. An error of one test is its result, and the others still run."""
    if not project.tests:
        return []
    schemas = Schemas(project, ports.warehouse())
    return [_run(test, project, schemas) for _, test in sorted(project.tests.items()) if test.model in chosen]


class Schemas:
    """Columns of the project's tables as declared: those of a source by its contract, those of a model by its SQL."""

    def __init__(self, project: Project, warehouse: Warehouse) -> None:
        self.project = project
        self.warehouse = warehouse
        self._analyses: dict[str, Analysis] = {}
        self._found: dict[str, TableSchema | None] = {}

    def analysis(self, model: Model) -> Analysis:
        if model.name not in self._analyses:
            from startrail.lineage.analyse import analyse

            self._analyses[model.name] = analyse(
                model.sql, dialect=self.warehouse.dialect, path=model.path, first_line=model.sql_line
            )
        return self._analyses[model.name]

    def of(self, table: str) -> TableSchema | None:
        """None when nothing declares it (a script's table, a source without contract)."""
        if table not in self._found:
            self._found[table] = None  # what a circle of models finds; ordering them reports the circle
            self._found[table] = self._look_up(table)
        return self._found[table]

    def result(self, model: Model, given: Mapping[str, Rowset], parameters: dict[str, Any]) -> TableSchema:
        """The columns of a model, with the types that its header promises."""
        described = self.warehouse.describe(query(model, given, parameters))
        return TableSchema(tuple(_promised(model, column) for column in described.columns))

    def _look_up(self, table: str) -> TableSchema | None:
        model = self.project.models.get(table)
        if model is not None and model.kind != "script":
            empty = {name: Rowset(name, self.of(name) or TableSchema(())) for name in self.analysis(model).reads}
            if any(not rowset.schema.columns for rowset in empty.values()):
                return None
            return self.result(model, empty, parameters(model, self.analysis(model), {}, self.project))
        for source in self.project.sources.values():
            if source.into == table and source.contract in self.project.contracts:
                declared = self.project.contracts[source.contract].schema()
                return TableSchema((*declared.columns, *_OWN))
        return None


_OWN = tuple(
    Column(name, parse_type(kind)) for name, kind in (("_delivery", "string"), ("_ordinal", "long"), ("_extra", "string"))
)


def query(model: Model, given: Mapping[str, Rowset], values: dict[str, Any]) -> Query:
    """The model's SQL over given rows."""
    return Query(model.sql, tuple(given.values()), values, model.path, model.sql_line)


def parameters(model: Model, analysis: Analysis, written: Mapping[str, str], project: Project) -> dict[str, Any]:
    """Values of ``$start`` and its like: as written in the test, else those of its partition, else all of time."""
    values: dict[str, Any] = {"env": project.name, "partition": written.get("partition", "")}
    values |= {"start": datetime.min, "end": datetime.max}
    if "partition" in written and model.kind == "partition":
        values["start"], values["end"] = partition_bounds(written["partition"], model.partition_grain)
    for name, text in written.items():
        values[name] = datetime.fromisoformat(text) if name in ("start", "end") else text
    return {name: values[name] for name in analysis.parameters}


def _run(test: ModelTest, project: Project, schemas: Schemas) -> ModelTestResult:
    try:
        return _compare(test, project, schemas)
    except StartrailError as error:
        return ModelTestResult(test.name, test.model, passed=False, error=str(error))


def _compare(test: ModelTest, project: Project, schemas: Schemas) -> ModelTestResult:
    model = project.models.get(test.model)
    if model is None:
        message = f"test '{test.name}' is of model '{test.model}', which is not there"
        raise ModelTestWrong(message, at=test.span, hint=did_you_mean(test.model, project.models))
    if model.kind == "script":
        raise ModelTestWrong(
            f"'{test.model}' is a script; only models of one SELECT can be tested", at=test.span, hint="remove the test"
        )
    analysis = schemas.analysis(model)
    given = _given(test, analysis, schemas)
    try:
        values = parameters(model, analysis, test.parameters, project)
    except ValueError as error:
        raise ModelTestWrong(f"a parameter of test '{test.name}' cannot be read: {error}", at=test.span) from None
    result = schemas.result(model, given, values)
    compared = _compared(test, result)
    wanted = Counter(_row(test, row, compared) for row in test.expect)
    rows = schemas.warehouse.fetch(query(model, given, values))
    places = [rows.schema.names().index(column.name) for column in compared]
    found = Counter(
        tuple(comparable(as_built(row[place], column.type)) for place, column in zip(places, compared, strict=True))
        for row in rows.rows
    )
    names = [column.name for column in compared]
    missing, unexpected = wanted - found, found - wanted
    return ModelTestResult(
        test.name,
        test.model,
        passed=not missing and not unexpected,
        missing=tuple(_shown(names, row) for row in missing.elements()),
        unexpected=tuple(_shown(names, row) for row in unexpected.elements()),
    )


def _given(test: ModelTest, analysis: Analysis, schemas: Schemas) -> dict[str, Rowset]:
    """Every table the model reads: with the rows given, or empty."""
    for table in test.given:
        if table not in analysis.reads:
            message = f"test '{test.name}' gives rows of '{table}', which '{test.model}' does not read"
            raise ModelTestWrong(message, at=test.span, hint=did_you_mean(table, analysis.reads))
    found: dict[str, Rowset] = {}
    for table in analysis.reads:
        rows = test.given.get(table, [])
        schema = schemas.of(table) or infer(rows)
        if not schema.columns:
            message = f"nothing says which columns '{table}' has"
            raise ModelTestWrong(message, at=test.span, hint=f"give it at least one row in test '{test.name}'")
        found[table] = Rowset(table, schema, tuple(_values(test, table, row, schema) for row in rows))
    return found


def _values(test: ModelTest, table: str, row: Mapping[str, object], schema: TableSchema) -> tuple[Any, ...]:
    for name in row:
        if schema.column(name) is None:
            message = f"test '{test.name}' gives '{table}' a column '{name}', which it has not"
            raise ModelTestWrong(message, at=test.span, hint=did_you_mean(name, schema.names()))
    return tuple(_value(test, row.get(column.name), column) for column in schema.columns)


def _compared(test: ModelTest, result: TableSchema) -> list[Column]:
    """The columns that the expected rows name; all of them when no row is expected."""
    named = dict.fromkeys(name for row in test.expect for name in row)
    for name in named:
        if result.column(name) is None:
            message = f"test '{test.name}' expects a column '{name}', which '{test.model}' does not produce"
            raise ModelTestWrong(message, at=test.span, hint=did_you_mean(name, result.names()))
    return [column for column in result.columns if column.name in named or not named]


def _row(test: ModelTest, row: Mapping[str, object], columns: list[Column]) -> tuple[Any, ...]:
    return tuple(comparable(_value(test, row.get(column.name), column)) for column in columns)


def _value(test: ModelTest, value: object, column: Column) -> Any:
    try:
        return typed(value, column.type)
    except ValueError as error:
        raise ModelTestWrong(f"in test '{test.name}', column '{column.name}': {error}", at=test.span) from None


def _promised(model: Model, column: Column) -> Column:
    promise = model.columns.get(column.name)
    return column if promise is None or promise.type is None else Column(column.name, parse_type(promise.type))


def _shown(names: list[str], row: tuple[Any, ...]) -> str:
    return "{" + ", ".join(f"{name}: {'null' if value is None else value}" for name, value in zip(names, row, strict=True)) + "}"
