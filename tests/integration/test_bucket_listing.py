"""A bucket is listed page by page, by the names that objects have there."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.s3 import fresh_bucket

from startrail.adapters.s3.answer import Unanswered
from startrail.adapters.s3.api import Account
from startrail.adapters.s3.keys import known
from startrail.adapters.s3.listing import Found, listed
from startrail.adapters.s3.wire import Wire

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/."), min_size=1, max_size=30)


@pytest.fixture
def front(s3_endpoint: str) -> Iterator[FaultyHttp]:
    made = FaultyHttp(s3_endpoint)
    yield made
    made.close()


@pytest.fixture
def bucket(s3_endpoint: str) -> str:
    name = fresh_bucket(s3_endpoint)
    _put(s3_endpoint, name, ["a.csv", "b//c.csv", "in/+ %20&.csv"])
    return name


def _put(endpoint: str, bucket: str, keys: list[str]) -> None:
    who = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=endpoint, **who)
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    client.close()


def _all(endpoint: str, bucket: str, prefix: str = "") -> list[Found]:
    account = Account(endpoint, bucket, "us-east-1", known("test", "test"))
    return list(listed(Wire(endpoint, timeout=60), account, prefix, retries=1, sleep=lambda seconds: None))


def test_every_object_is_shown_as_it_is(front: FaultyHttp, bucket: str) -> None:
    found = _all(front.address, bucket)
    assert [each.key for each in found] == ["a.csv", "b//c.csv", "in/+ %20&.csv"]
    assert [each.size for each in found] == [5, 8, 13]
    assert all(each.tag.startswith('"') and each.modified.tzinfo is not None for each in found)
    assert [each.key for each in _all(front.address, bucket, "in/")] == ["in/+ %20&.csv"]
    assert _all(front.address, bucket, "nothing/") == []


@settings(max_examples=20, deadline=None)
@given(keys=st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_a_name_is_what_it_was_written_as(s3_endpoint: str, keys: list[str]) -> None:
    bucket = fresh_bucket(s3_endpoint)
    keys = [f"k{key}" for key in keys]
    _put(s3_endpoint, bucket, keys)
    assert {each.key for each in _all(s3_endpoint, bucket)} == set(keys)


def _page(token: str, more: str = "true") -> bytes:
    entry = "<Contents><Key>x</Key><LastModified>2026-05-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
    return f"<R>{entry}<IsTruncated>{more}</IsTruncated><NextContinuationToken>{token}</NextContinuationToken></R>".encode()


def test_pages_follow_one_another(front: FaultyHttp, bucket: str) -> None:
    first = Rule("list-type", "answer", 1, status=200, body=_page("a=+b"))
    front.set(first, Rule("token=a%3D%2Bb&", "answer", 1, status=200, body=_page("", "false")))
    assert [each.key for each in _all(front.address, bucket)] == ["x", "x"]
    assert len(front.requests) == 2


@pytest.mark.parametrize(
    "rules",
    [
        [Rule("list-type", "answer", status=200, body=_page("same"))],
        [Rule("list-type", "answer", status=200, body=_page(""))],
        [Rule("list-type", "answer", status=200, body=b"<html>welcome<br></html>")],
        [Rule("list-type", "answer", status=200, body=_page("", "false").replace(b"2026-05-01", b"yesterday"))],
        [Rule("list-type", "truncate", at=50)],
        [Rule("list-type", "refuse")],
        [s3_error("list-type", 503, "SlowDown")],
        [s3_error("list-type", 403, "AccessDenied")],
    ],
    ids=["turns in a circle", "breaks off", "no listing", "no time", "cut", "refused", "a storm", "not allowed"],
)
def test_a_listing_that_does_not_come_to_its_end_is_none(front: FaultyHttp, bucket: str, rules: list[Rule]) -> None:
    front.set(*rules)
    with pytest.raises(Unanswered):
        _all(front.address, bucket)


def test_one_bad_moment_is_waited_for(front: FaultyHttp, bucket: str) -> None:
    front.set(s3_error("list-type", 503, "SlowDown", times=1))
    assert len(_all(front.address, bucket)) == 3
