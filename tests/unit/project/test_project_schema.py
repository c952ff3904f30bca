"""The published JSON Schemas accept what is read and refuse what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from startrail.base.errors import StartrailError
from startrail.model.source import Source
from startrail.project import load
from startrail.project.decode import decode
from startrail.project.header import read_model
from startrail.project.schema import schemas
from startrail.project.yaml import read_yaml

EXAMPLES = Path(load.__file__).parents[1] / "examples"
SCHEMAS = schemas()
PLACES = {"startrail": "*/startrail.yml", "source": "*/sources/*.yml", "report": "*/reports/*.yml", "test": "*/tests/**/*.yml"}


def accepts(word: str, value: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMAS[word]).is_valid(value)


@pytest.mark.parametrize("word", sorted(SCHEMAS))
def test_each_schema_is_itself_valid(word: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[word])


@pytest.mark.parametrize("word", sorted(PLACES))
def test_the_examples_fit_their_schema(word: str) -> None:
    files = sorted(EXAMPLES.glob(PLACES[word]))
    assert files
    for file in files:
        jsonschema.Draft202012Validator(SCHEMAS[word]).validate(yaml.safe_load(file.read_text()))


def test_the_headers_of_the_examples_fit_their_schema() -> None:
    files = sorted(EXAMPLES.glob("*/models/*/*.sql"))
    assert files
    for file in files:
        text = file.read_text()
        if text.startswith("/* startrail"):
            header = yaml.safe_load(text.removeprefix("/* startrail").partition("*/")[0])
            jsonschema.Draft202012Validator(SCHEMAS["model"]).validate(header)


HEADERS = [
    ("checks: [{unique: [a], severity: warn}]", True),
    ("checks: [{unique: [a], not_null: [a]}]", False),
    ("checks: [{severity: warn}]", False),
    ("checks: [{uniqe: [a]}]", False),
    ("partition_by: day\nkind: partition", True),
    ("partition_by: {column: day, grain: month}\nkind: partition", True),
    ("kind: partiton", False),
    ("x: 1", False),
    ("columns: {a: {typ: int}}", False),
]


@pytest.mark.parametrize(("header", "good"), HEADERS)
def test_schema_and_reader_agree_on_headers(header: str, good: bool) -> None:
    problems: list[StartrailError] = []
    model = read_model(f"/* startrail\n{header}\n*/".encode(), "models/a/b.sql", problems)
    assert (model is not None) == good
    assert accepts("model", yaml.safe_load(header)) == good


SOURCES = [
    ("feed: {kind: folder, path: in}", True),
    ("feed: {kind: http, url: 'http://h', page_size: [limit, 5]}\nschedule: {cron: 0 3 * * *}", True),
    ("feed: {kind: http, url: 'http://h', page_size: [limit]}", False),
    ("feed: {path: in}", False),
    ("feed: {kind: folder, path: in, host: h}", False),
    ("feed: {kind: folder, path: in}\nname: x", False),
    ("feed: {kind: folder, path: in}\nspan: x", False),
    ("feed: {kind: folder, path: in}\ncsv: {delimiter: ';;'}", False),
    ("contract: x", False),
]


@pytest.mark.parametrize(("text", "good"), SOURCES)
def test_schema_and_reader_agree_on_sources(text: str, good: bool) -> None:
    problems: list[StartrailError] = []
    source = decode(read_yaml(text.encode(), "x.yml"), Source, problems, what="x", given={"name": "x"})
    assert (source is not None) == good
    assert accepts("source", yaml.safe_load(text)) == good
