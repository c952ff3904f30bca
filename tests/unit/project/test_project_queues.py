"""Buckets that are told of by queues, as they are declared."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.unit.project.test_project_load import FILES, problems_of, write

from startrail.base.errors import StartrailError
from startrail.capabilities.sources.queue import check_alone
from startrail.examples import write as write_example
from startrail.model.source import S3Events, S3Feed, Source
from startrail.ports.feed import QueueShared
from startrail.project import errors
from startrail.project.load import read_project

NAME = "sources/drops.yml"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/drops"


def _feed(path: Path, text: str) -> S3Feed:
    feed = read_project(write(path, {**FILES, NAME: text})).sources["drops"].feed
    assert isinstance(feed, S3Feed)
    return feed


def test_a_queue_may_be_named_alone_or_with_all_that_can_be_said_of_it(tmp_path: Path) -> None:
    alone = _feed(tmp_path / "a", f"feed: {{kind: s3, bucket: drops, queue: {QUEUE}}}\n")
    assert alone.told_by == S3Events(QUEUE)
    said = _feed(tmp_path / "b", f"feed: {{kind: s3, bucket: drops, events: {{queue: {QUEUE}, sweep: 6h, region: eu-west-1}}}}\n")
    assert said.told_by == S3Events(QUEUE, region="eu-west-1", sweep="6h")
    assert (said.listed().told_by, said.listed().bucket) == (None, "drops")


@pytest.mark.parametrize(
    ("feed", "kind", "place"),
    [
        (f"queue: {QUEUE}, events: {{queue: {QUEUE}}}", errors.BadValue, f"{NAME}:1:"),
        ("queue: sqs-drops", errors.BadValue, f"{NAME}:1:"),
        ("queue: https://me:hunter2@sqs.example/1/q", errors.SecretInText, f"{NAME}:1:"),
        (f"events: {{queue: {QUEUE}, sweep: often}}", errors.BadValue, f"{NAME}:1:"),
        (f"events: {{queue: {QUEUE}, secret_key: hunter2}}", errors.SecretInText, f"{NAME}:1:"),
        (f"events: {{queue: {QUEUE}, most: 0}}", StartrailError, f"{NAME}:1:"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(tmp_path: Path, feed: str, kind: type[StartrailError], place: str) -> None:
    [problem] = problems_of(tmp_path, {**FILES, NAME: f"feed: {{kind: s3, bucket: drops, {feed}}}\n"})
    assert isinstance(problem, kind)
    assert str(problem.at).startswith(place)
    assert "hunter2" not in str(problem)


def test_two_sources_on_one_queue_are_refused(tmp_path: Path) -> None:
    first = f"feed: {{kind: s3, bucket: drops, prefix: a, queue: {QUEUE}}}\n"
    second = f"feed: {{kind: s3, bucket: drops, prefix: b, events: {{queue: {QUEUE}/}}}}\n"
    project = read_project(write(tmp_path, {**FILES, NAME: first, "sources/more.yml": second}))
    with pytest.raises(QueueShared, match="ST245"):
        check_alone(project.sources["drops"], project)
    check_alone(project.sources["orders_api"], project)


def test_a_declared_source_goes_into_a_package_and_comes_out_the_same(tmp_path: Path) -> None:
    write_example("shop", tmp_path / "shop")
    for source in read_project(tmp_path / "shop").sources.values():
        assert msgspec.json.decode(msgspec.json.encode(source), type=Source) == source
