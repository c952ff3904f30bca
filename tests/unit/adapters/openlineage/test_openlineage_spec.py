"""The judge that reads published schema documents: it accepts what they allow, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.openlineage_spec import SPEC, published

CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
FACET = "https://openlineage.io/spec/facets/2-0-4/JobTypeJobFacet.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Two documents of the same build as the published ones, much smaller."""
    base = {"type": "object", "required": ["_producer", "_schemaURL"]}
    event = {"type": "object", "required": ["eventTime"], "properties": {"run": {"required": ["runId"]}}}
    job = {"allOf": [{"$ref": f"{CORE}#/$defs/JobFacet"}, {"required": ["processingType"]}]}
    documents = {
        "OpenLineage.json": {"$schema": DRAFT, "$id": CORE, "$defs": {"RunEvent": event, "JobFacet": base}},
        "facets/JobTypeJobFacet.json": {"$schema": DRAFT, "$id": FACET, "$defs": {"JobTypeJobFacet": job}},
    }
    for name, document in documents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def event(**facet: str) -> dict[str, Any]:
    told = {"_producer": "https://example.com", "_schemaURL": f"{FACET}#/$defs/JobTypeJobFacet", **facet}
    return {
        "eventTime": "2026-10-03T08:00:00Z",
        "schemaURL": f"{CORE}#/$defs/RunEvent",
        "run": {"runId": "1"},
        "job": {"namespace": "a", "name": "b", "facets": {"jobType": told}},
    }


def test_an_event_and_its_facets_are_held_against_the_documents_they_name(spec: Path) -> None:
    assert published(event(processingType="BATCH"), spec) == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (event(), "'processingType' is a required property"),
        (event(processingType="BATCH") | {"run": {}}, "'runId' is a required property"),
        (event(processingType="BATCH", _schemaURL=FACET.replace("2-0-4", "9-0-0") + "#/$defs/JobTypeJobFacet"), "no document"),
    ],
)
def test_what_a_document_does_not_allow_is_found(spec: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        published(wrong, spec)


@pytest.mark.skipif(SPEC is None, reason="OPENLINEAGE_SPEC names no folder with the published documents")
def test_the_documents_at_hand_hold_the_core_that_events_name() -> None:
    assert SPEC is not None
    assert any(CORE in path.read_text(encoding="utf-8") for path in SPEC.rglob("*.json"))
