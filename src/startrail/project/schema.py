"""JSON Schemas of the declarations, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.model.metric import Metric
from startrail.model.report import Report
from startrail.model.schedule import NamedSchedule
from startrail.model.source import Source
from startrail.project.forms import IncidentsForm, ModelTestForm, ProjectForm, RepairsForm
from startrail.project.header import CHECK_WORDS, ModelHeader
from startrail.project.odcs_extras import CustomProperties

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_DECLARATIONS: dict[str, tuple[type, str]] = {
    "startrail": (ProjectForm, "startrail.yml"),
    "source": (Source, "sources/*.yml"),
    "contract": (CustomProperties, "customProperties of vendor startrail in contracts/*.odcs.yml"),
    "repairs": (RepairsForm, "contracts/repairs/*.yml"),
    "metric": (Metric, "metrics/**/*.yml"),
    "report": (Report, "reports/*.yml"),
    "incidents": (IncidentsForm, "incidents/*.yml"),
    "test": (ModelTestForm, "tests/**/*.yml"),
    "schedule": (NamedSchedule, "schedules/*.yml"),
    "model": (ModelHeader, "the header of models/*/*.sql"),
}
_FROM_ELSEWHERE = ("name", "span")
"""Fields of Source, Report and NamedSchedule that the file does not hold: the name is the file's, the span its place."""


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema (draft 2020-12) per declaration. Contracts have the schema of their own standard; here
    is what we add to it."""
    return {word: _schema(target, files) for word, (target, files) in _DECLARATIONS.items()}


def _schema(target: type, files: str) -> dict[str, Any]:
    (root,), parts = msgspec.json.schema_components((target,), ref_template="#/$defs/{name}", schema_hook=_free)
    if target in (Source, Report, NamedSchedule):
        _without(parts[target.__name__], _FROM_ELSEWHERE)
    if target is Metric:
        _without(parts["Metric"], ("span",))
        parts["Metric"]["required"].remove("metric")  # the file's path says it otherwise
    for name in ("Route", "Bound"):
        if name in parts:
            _without(parts[name], ("span",))
    if "CheckForm" in parts:
        parts["CheckForm"]["oneOf"] = [{"required": [word]} for word in CHECK_WORDS]
    parts.pop("Span", None)
    for part in parts.values():
        if "properties" in part:
            part["additionalProperties"] = False
    return {"$schema": DRAFT, "title": f"Startrail: {files}", **root, "$defs": parts}


def _free(_: type) -> dict[str, Any]:
    """Rows of a model's test hold any data. (An empty schema would count as none.)"""
    return {"description": "any value"}


def _without(part: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        part["properties"].pop(name, None)
    part["required"] = [name for name in part["required"] if name not in names]
