"""Facets: what an event says about its run, job and datasets. Each names the version of the schema it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from startrail.adapters.openlineage.names import Name
from startrail.lineage.formats import PRODUCER
from startrail.model.model import Check
from startrail.model.step import CheckResult, StepOutput
from startrail.model.table import TableSchema

Facet = dict[str, Any]
_SPEC = "https://openlineage.io/spec/facets"


def parent(run: UUID, job: Name) -> Facet:
    """Of a step's run: the whole run."""
    place = {"run": {"runId": str(run)}, "job": {"namespace": job[0], "name": job[1]}}
    return _facet("ParentRunFacet", "1-2-0", **place, root=place)


def error_message(message: str) -> Facet:
    """Of a run that did not do its work."""
    return _facet("ErrorMessageRunFacet", "1-0-1", message=message, programmingLanguage="PYTHON")


def job_type(word: str) -> Facet:
    """``RUN``, or the kind of a step."""
    return _facet("JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="STARTRAIL", jobType=word)


def sql(query: str, dialect: str) -> Facet:
    """Of a job that is a query."""
    return _facet("SQLJobFacet", "1-1-0", query=query.strip(), dialect=dialect)


def schema(table: TableSchema) -> Facet:
    """Of a dataset whose types are known."""
    fields = [
        {"name": column.name, "type": str(column.type), "ordinal_position": place}
        | ({"description": column.doc} if column.doc else {})
        for place, column in enumerate(table.columns, 1)
    ]
    return _facet("SchemaDatasetFacet", "1-2-0", fields=fields)


def schema_of_names(columns: Iterable[str]) -> Facet:
    """Of a dataset of which only the names of its columns are known."""
    fields = [{"name": name, "ordinal_position": place} for place, name in enumerate(columns, 1)]
    return _facet("SchemaDatasetFacet", "1-2-0", fields=fields)


def symlinks(name: Name) -> Facet:
    """What a dataset is called beside its place."""
    return _facet("SymlinksDatasetFacet", "1-0-1", identifiers=[{"namespace": name[0], "name": name[1], "type": "TABLE"}])


def output_statistics(rows: int | None, size: int | None, files: int | None) -> Facet:
    """What a step wrote."""
    told = {"rowCount": rows, "size": size, "fileCount": files}
    known = {key: value for key, value in told.items() if value is not None}
    return _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", **known)


def delivery_metrics(output: StepOutput) -> Facet:
    """Of a source whose delivery was loaded: how many rows came in, and the medians that later deliveries are held against."""
    columns = {name: {"quantiles": {"0.5": median}} for name, median in output.medians.items()}
    rows = {"rowCount": output.counts.rows_in} if output.counts is not None else {}
    return _facet("DataQualityMetricsInputDatasetFacet", "1-0-3", columnMetrics=columns, **rows)


def contract_assertion(output: StepOutput, contract: str) -> Facet:
    """Of a source whose delivery was loaded: whether every row kept the contract."""
    counts = output.counts
    refused = 0 if counts is None else counts.quarantined + counts.held + counts.discarded
    kept = output.held is None and refused == 0
    actual = output.held or f"{refused} of {counts.rows_in if counts else 0} rows refused"
    one = {"assertion": "contract", "name": contract, "success": kept, "severity": "error" if output.held else "warn"}
    return _assertions([{**one, "expected": "0 rows refused", "actual": actual}])


def check_assertions(results: Iterable[CheckResult], declared: Iterable[Check]) -> Facet:
    """Of a table that was checked, passed checks too."""
    by_title = {check.title(): check for check in declared}
    return _assertions([_assertion(result, by_title.get(result.check)) for result in results])


def _assertion(result: CheckResult, check: Check | None) -> Facet:
    told: Facet = {
        "assertion": check.name if check is not None else result.check.partition("(")[0].partition(" ")[0],
        "name": result.check,
        "success": result.passed,
        "severity": result.severity,
        "actual": f"{result.failing} failing",
    }
    if check is not None and len(check.columns) == 1:
        told["column"] = check.columns[0]
    if check is not None and check.sql is not None:
        told |= {"content": check.sql, "contentType": "sql"}
    return told | ({"description": result.message} if result.message else {})


def _assertions(assertions: list[Facet]) -> Facet:
    return _facet("DataQualityAssertionsDatasetFacet", "1-1-0", assertions=assertions)


def _facet(name: str, version: str, **content: Any) -> Facet:
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/{version}/{name}.json#/$defs/{name}", **content}
