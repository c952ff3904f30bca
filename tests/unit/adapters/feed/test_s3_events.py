"""What messages say about objects."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.adapters.feed.s3.events import NotAnEvent, ObjectEvent, read_message


def record(key: str, name: str = "ObjectCreated:Put", **more: Any) -> dict[str, Any]:
    """As S3 sends it; ``key`` is encoded already."""
    place = {"bucket": {"name": "lake", "arn": "arn:aws:s3:::lake"}, "object": {"key": key, "size": 3, "eTag": "abc", **more}}
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventName": name, "s3": place}


def bridged(key: str, kind: str = "Object Created", **more: Any) -> dict[str, Any]:
    """As EventBridge sends it."""
    detail = {"version": "0", "bucket": {"name": "lake"}, "object": {"key": key, "size": 3, "etag": "abc", **more}}
    return {"version": "0", "id": "1", "detail-type": kind, "source": "aws.s3", "account": "1", "detail": detail}


def topic(message: Any) -> dict[str, Any]:
    """The envelope of SNS."""
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": json.dumps(message)}


def told(*records: dict[str, Any]) -> tuple[ObjectEvent, ...]:
    return read_message(json.dumps({"Records": records}))


def test_s3_encodes_keys_as_in_a_query() -> None:
    (event,) = read_message(json.dumps({"Records": [record("sales/a+b%2B%C3%BC%26.csv")]}))
    assert event == ObjectEvent("created", "lake", "sales/a b+ü&.csv")


def test_eventbridge_sends_keys_as_they_are() -> None:
    (event,) = read_message(json.dumps(bridged("sales/a+b%2B.csv", **{"version-id": "v1", "sequencer": "0f"})))
    assert (event.key, event.version, event.kind) == ("sales/a+b%2B.csv", "v1", "created")


@pytest.mark.parametrize("message", [{"Records": [record("a.csv")]}, bridged("a.csv")])
def test_a_topic_wraps_either(message: Any) -> None:
    assert read_message(json.dumps(topic(message))) == read_message(json.dumps(message))
    assert read_message(json.dumps(topic(topic(message)))) == read_message(json.dumps(message))


def test_a_message_may_tell_of_several_objects() -> None:
    events = told(record("a"), record("b", "ObjectRemoved:Delete"), record("c", "ObjectTagging:Put"))
    assert [(event.key, event.kind) for event in events] == [("a", "created"), ("b", "removed"), ("c", "other")]
    assert read_message(json.dumps(bridged("a", "Object Deleted")))[0].kind == "removed"
    assert read_message(json.dumps(bridged("a", "Object Restore Completed")))[0].kind == "other"


def test_the_message_that_tries_a_new_configuration_tells_of_nothing() -> None:
    assert read_message('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"lake","RequestId":"1"}') == ()


def test_what_was_put_without_versions_has_none() -> None:
    assert read_message(json.dumps({"Records": [record("a", versionId="null")]}))[0].version is None
    assert read_message(json.dumps({"Records": [record("a", versionId="v7")]}))[0].version == "v7"


@given(st.lists(st.integers(0, 1 << 70), min_size=2, max_size=2, unique=True), st.integers(0, 6))
def test_sequencers_of_any_length_sort_as_they_happened(numbers: list[int], padding: int) -> None:
    """Filled up at the right, as Amazon says."""
    texts = [f"{number:018X}" for number in numbers]
    shorter = texts[0].rstrip("0") or "0"
    orders = [told(record("a", sequencer=text))[0].order for text in (*texts, shorter + "0" * padding)]
    assert (orders[0] < orders[1]) == (numbers[0] < numbers[1])
    assert orders[0] == orders[2]


NO_EVENTS = [
    "",
    "hello",
    "null",
    "[]",
    "{}",
    '{"Records": 7}',
    '{"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT"}]}',
    '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}',
    '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {}, "object": {"key": "a"}}}]}',
    '{"Type": "SubscriptionConfirmation", "Message": "hello"}',
    '{"Type": "Notification", "Message": "hello"}',
    '{"detail-type": "Object Created", "source": "someone", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}',
    "[" * 100_000,
    '{"Records": ' * 100_000,
    json.dumps({"Records": [record("%FF%FE")]}),
    json.dumps(topic(topic(topic(topic({"Records": []}))))),
]


@pytest.mark.parametrize("body", NO_EVENTS)
def test_anything_else_is_no_event(body: str) -> None:
    with pytest.raises(NotAnEvent):
        read_message(body)


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_text_makes_it_fail_otherwise(body: str) -> None:
    with contextlib.suppress(NotAnEvent):
        assert isinstance(read_message(body), tuple)
