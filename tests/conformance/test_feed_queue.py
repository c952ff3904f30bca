"""What a queue tells of a bucket: every message's object lands once, and no message is forgotten before."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.sqs import Queue, client

from startrail.adapters.feed.custody import Message
from startrail.adapters.feed.s3.queue import S3QueueFeed
from startrail.adapters.feed.s3.sqs import SqsQueue, region_of
from startrail.adapters.store.local import LocalStore
from startrail.base.errors import SourceError
from startrail.base.span import Span
from startrail.capabilities.sources.copy import copy
from startrail.capabilities.sources.land import land
from startrail.flow.events import Event, MessageSetAside
from startrail.model import source
from startrail.model.delivery import Delivery
from startrail.model.run import Run
from startrail.ports.feed import Feed, FeedMissing, FeedUnreachable, QueueForbidden, QueueMissing, Seen
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger
from startrail.wiring.feeds import open_feed

KEYS = {"access_key": "test", "secret_key": "test"}


class Lake:
    """A bucket with a queue, and a place to land in."""

    def __init__(self, endpoint: str, bucket: str, queue: Queue, root: Path) -> None:
        self.endpoint, self.bucket, self.queue = endpoint, bucket, queue
        self.s3 = client("s3", endpoint)
        events = source.S3Events(queue.url, wait="0s")
        self.declared = source.S3Feed(bucket, "in", pattern="*.csv", endpoint=endpoint, timeout="60s", events=events)
        self.ledger, self.store = memory_ledger(), LocalStore(root)
        self.clock = ManualClock(datetime.now(UTC))
        self.events: list[Event] = []
        lease = self.ledger.acquire("runner", "test", 1e9, self.clock.now())
        assert lease is not None
        self.lease = lease
        self.ledger.start_run(Run("run-1", self.clock.now()), lease)
        self.land()  # lists the empty bucket, so that only messages count from here

    def put(self, name: str, content: bytes) -> str | None:
        return self.s3.put_object(Bucket=self.bucket, Key=f"in/{name}", Body=content).get("VersionId")

    def feed(self, **changes: Any) -> S3QueueFeed:
        declared = msgspec.structs.replace(self.declared, **changes)
        assert declared.told_by is not None
        return S3QueueFeed(declared, self.clock, SqsQueue(declared.told_by, "us-east-1", **KEYS), retries=0, **KEYS)

    def land(self, feed: Feed | None = None) -> tuple[Delivery, ...]:
        shop = source.Source("shop", self.declared, Span("sources/shop.yml"))
        around = {"ledger": self.ledger, "store": self.store, "lease": self.lease, "clock": self.clock}
        feed = feed or self.feed()
        try:
            return land(shop, feed, run="run-1", emit=self.events.append, **around)
        finally:
            feed.close()

    def contents(self) -> list[bytes]:
        return [self.store.get(delivery.key) for delivery in self.ledger.deliveries("shop")]

    def told(self, name: str, kind: str = "ObjectCreated:Put", **more: Any) -> dict[str, Any]:
        """What S3 says of an object."""
        place = {"bucket": {"name": self.bucket}, "object": {"key": f"in/{name}", "eTag": "?", "size": 1, **more}}
        return {"eventSource": "aws:s3", "eventName": kind, "s3": place}

    def time_goes_by(self) -> None:
        """What is hidden is shown again."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.sqs.models import sqs_backends

        queue = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].queues[self.queue.url.rpartition("/")[2]]
        for message in queue._messages:
            message.change_visibility(0)

    def aside(self) -> list[MessageSetAside]:
        return [event for event in self.events if isinstance(event, MessageSetAside)]


@pytest.fixture
def make_lake(s3_endpoint: str, s3_bucket: str, tmp_path: Path) -> Iterator[Callable[..., Lake]]:
    made: list[Lake] = []

    def make(attributes: dict[str, str] | None = None) -> Lake:
        queue = Queue(s3_endpoint, attributes)
        queue.hears(s3_endpoint, s3_bucket)
        made.append(Lake(s3_endpoint, s3_bucket, queue, tmp_path / "store"))
        return made[-1]

    yield make
    for lake in made:
        lake.ledger.close()


@pytest.fixture
def lake(make_lake: Callable[..., Lake]) -> Lake:
    return make_lake()


def test_each_told_object_lands_once_and_its_message_is_forgotten(lake: Lake) -> None:
    for number in range(25):
        lake.put(f"{number:02}.csv", f"{number}".encode())
    lake.put("other.txt", b"not wanted")
    assert len(lake.land()) == 25
    assert lake.queue.left() == 0
    assert lake.land() == ()


def test_messages_come_twice_and_late_and_change_nothing(lake: Lake) -> None:
    lake.put("a.csv", b"1")
    for _ in range(3):
        lake.queue.send({"Records": [lake.told("a.csv"), lake.told("a.csv", sequencer="05")]})
    assert len(lake.land()) == 1
    lake.queue.send({"Records": [lake.told("a.csv")]})
    assert lake.land() == ()
    assert (lake.contents(), lake.queue.left()) == ([b"1"], 0)


def test_what_was_replaced_before_anybody_looked_lands_as_it_is(lake: Lake) -> None:
    lake.put("a.csv", b"old")
    lake.put("a.csv", b"new")
    assert len(lake.land()) == 1
    assert (lake.contents(), lake.queue.left()) == ([b"new"], 0)


def test_a_bucket_with_versions_loses_none_whatever_their_order(lake: Lake) -> None:
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [lake.put("a.csv", content) for content in (b"one", b"two", b"three")]
    lake.queue.lose()
    records = [lake.told("a.csv", versionId=version, sequencer=f"0{place}") for place, version in enumerate(versions)]
    for record in reversed(records):
        lake.queue.send({"Records": [record]})
    lake.land()
    assert lake.contents() == [b"one", b"two", b"three"]
    lake.queue.send({"Records": [records[0]]})  # late, and for the second time
    lake.land()
    assert (lake.contents(), lake.queue.left()) == ([b"one", b"two", b"three"], 0)


def test_where_a_file_replaces_the_one_before_a_late_message_brings_no_older_version(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [lake.put("a.csv", content) for content in (b"one", b"two")]
    lake.queue.lose()
    replacing = source.Source("shop", lake.declared, Span("sources/shop.yml"), on_replace="replace")
    for version in reversed(versions):
        lake.queue.send({"Records": [lake.told("a.csv", versionId=version)]})
        lake.land(open_feed(Path("/nowhere"), lake.clock, replacing))
    assert (lake.contents(), lake.queue.left()) == ([b"two"], 0)


def test_other_messages_of_a_bucket_are_taken_out_silently(lake: Lake) -> None:
    lake.put("a.csv", b"1")
    lake.land()
    lake.s3.delete_object(Bucket=lake.bucket, Key="in/a.csv")
    lake.queue.send({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": lake.bucket})
    lake.queue.send({"Records": [lake.told("a.csv", "ObjectTagging:Put"), lake.told("../elsewhere.txt")]})
    assert lake.land() == ()
    assert (lake.queue.left(), lake.aside()) == (0, [])


def test_what_brings_no_file_is_told_once_and_taken_out(lake: Lake) -> None:
    lake.queue.send("hello \x1b[31m" + "x" * 5000)
    lake.queue.send({"Records": [lake.told("gone.csv")]})
    lake.queue.send({"Records": [{**lake.told("a.csv"), "s3": {"bucket": {"name": "other"}, "object": {"key": "a"}}}]})
    lake.put("a.csv", b"1")
    assert len(lake.land()) == 1
    assert sorted(event.reason for event in lake.aside()) == [
        "'gone.csv' is gone",
        "it is no notification of a bucket: JSON is malformed: invalid character (byte 0)",
        "it tells of the bucket 'other', not of this one",
    ]
    assert all(event.text.isprintable() and len(event.text) < 600 and not event.left for event in lake.aside())
    assert lake.queue.left() == 0
    assert len(list(lake.ledger.facts(kind="source.message_set_aside", subject="shop"))) == 3


def test_a_message_of_a_gone_object_and_another_is_kept_until_the_other_is_safe(lake: Lake) -> None:
    lake.put("b.csv", b"2")
    lake.queue.lose()
    lake.queue.send({"Records": [lake.told("gone.csv"), lake.told("b.csv")]})
    feed = lake.feed()
    offers = feed.offers(Seen(), lake.clock.now())
    offer = next(offers)
    (stray,) = feed.strays()
    feed.set_aside(stray)
    feed.close()
    assert (offer.name, lake.queue.left(), lake.queue.hidden()) == ("b.csv", 1, 0)
    lake.land()
    assert (lake.contents(), lake.queue.left()) == ([b"2"], 0)


def test_a_queue_with_dead_letters_moves_away_what_nobody_understands(
    make_lake: Callable[..., Lake], make_queue: Callable[..., Queue]
) -> None:
    letters = make_queue()
    redrive = json.dumps({"deadLetterTargetArn": letters.arn, "maxReceiveCount": 2})
    lake = make_lake({"RedrivePolicy": redrive})
    lake.queue.send("hello")
    for _ in range(3):
        lake.land()
        lake.time_goes_by()
    assert [event.left for event in lake.aside()] == [True]
    assert len(list(lake.ledger.facts(kind="source.message_set_aside", subject="shop"))) == 1
    assert (lake.queue.left(), letters.left()) == (0, 1)


def test_an_object_that_cannot_be_landed_keeps_its_message(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("a.csv", b"1")
    lake.put("b.csv", b"2")
    whole = S3QueueFeed.fetch
    monkeypatch.setattr(S3QueueFeed, "fetch", lambda self, offer: whole(self, offer) if offer.name == "a.csv" else _breaks())
    with pytest.raises(FeedUnreachable):
        lake.land()
    assert (lake.contents(), lake.queue.left(), lake.queue.hidden()) == ([b"1"], 1, 0)
    monkeypatch.undo()
    lake.land()
    assert (lake.contents(), lake.queue.left()) == ([b"1", b"2"], 0)


def _breaks() -> Iterator[bytes]:
    yield b"half"
    raise FeedUnreachable("it broke")


def test_a_bucket_that_is_away_loses_no_message(lake: Lake) -> None:
    for number in range(3):
        lake.put(f"{number}.csv", b"1")
    lake.s3.put_bucket_notification_configuration(Bucket=lake.bucket, NotificationConfiguration={})
    for found in lake.s3.list_objects_v2(Bucket=lake.bucket)["Contents"]:
        lake.s3.delete_object(Bucket=lake.bucket, Key=found["Key"])
    lake.s3.delete_bucket(Bucket=lake.bucket)
    with pytest.raises(FeedMissing):
        lake.land()
    assert lake.queue.left() == 3


def test_a_lost_event_is_found_by_the_next_sweep(lake: Lake) -> None:
    lake.put("a.csv", b"1")
    lake.queue.lose()
    lake.clock.advance(86_000)
    assert lake.land() == ()
    lake.clock.advance(500)
    assert len(lake.land()) == 1
    lake.put("b.csv", b"2")
    lake.queue.lose()
    assert lake.land() == ()


def test_a_sweep_that_did_not_land_all_is_made_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("a.csv", b"1")
    lake.queue.lose()
    lake.clock.advance(timedelta(days=2).total_seconds())
    monkeypatch.setattr(S3QueueFeed, "fetch", lambda self, offer: _breaks())
    with pytest.raises(SourceError):
        lake.land()
    monkeypatch.undo()
    assert len(lake.land()) == 1


def test_a_run_takes_no_more_messages_than_it_may(lake: Lake) -> None:
    for number in range(25):
        lake.put(f"{number:02}.csv", f"{number}".encode())
    events = source.S3Events(lake.queue.url, wait="0s", most=10)
    assert len(lake.land(lake.feed(events=events))) == 10
    assert len(lake.land()) == 15


def test_messages_stay_hidden_as_long_as_a_large_object_takes(lake: Lake) -> None:
    class Quick:
        """A queue whose messages would be shown again in a moment."""

        hold_seconds = 0.03

        def __init__(self) -> None:
            self.batches = [[Message("1", "h", json.dumps({"Records": [lake.told("a.csv")]}))]]
            self.hidden, self.log = threading.Event(), list[str]()

        def receive(self) -> Sequence[Message]:
            return self.batches.pop() if self.batches else []

        def forget(self, messages: Sequence[Message]) -> None:
            self.log.append("forgotten")

        def hide(self, messages: Sequence[Message]) -> None:
            if [message.id for message in messages] == ["1"]:
                self.hidden.set()

        def release(self, messages: Sequence[Message]) -> None:
            self.log.extend("released" for _ in messages)

        def has_dead_letters(self) -> bool:
            return False

        def close(self) -> None:
            self.log.append("closed")

    lake.put("a.csv", b"1")
    queue = Quick()
    feed = S3QueueFeed(lake.declared, lake.clock, queue, **KEYS)
    offers = feed.offers(Seen(), lake.clock.now())
    offer = next(offers)
    assert queue.hidden.wait(240)
    assert b"".join(feed.fetch(offer)) == b"1"
    assert queue.log == []
    feed.recorded(offer)
    feed.close()
    assert queue.log == ["forgotten", "closed"]


def test_a_copy_takes_its_messages_out_too(lake: Lake, tmp_path: Path) -> None:
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"0", b"1"):
        lake.queue.send({"Records": [lake.told("a.csv", versionId=lake.put("a.csv", content))]})
    lake.queue.send("hello")
    target, feed = LocalStore(tmp_path / "copies"), lake.feed()
    shop = source.Source("shop", lake.declared, Span("sources/shop.yml"))
    around = {"ledger": lake.ledger, "lease": lake.lease, "clock": lake.clock, "wall": lake.clock}
    copied = copy(shop, feed, target, "file:///copies/", retries=0, emit=lake.events.append, **around)
    feed.close()
    assert (copied.files, target.get("a.csv"), lake.queue.left()) == (1, b"1", 0)
    assert len(lake.aside()) == 1


def test_a_queue_that_is_not_there_and_one_that_is_away_are_told(lake: Lake) -> None:
    with pytest.raises(QueueMissing, match="ST243"):
        lake.land(lake.feed(events=source.S3Events(lake.queue.url + "x", wait="0s")))
    with pytest.raises(FeedUnreachable):
        lake.land(lake.feed(events=source.S3Events("http://127.0.0.1:9/1/q", wait="0s"), timeout="1s"))


def test_without_keys_a_queue_is_forbidden(lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    queue = SqsQueue(source.S3Events(lake.queue.url, wait="0s"), "us-east-1")
    with pytest.raises(QueueForbidden, match="ST244"):
        queue.receive()
    queue.close()


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/sales", "eu-west-1"),
        ("https://eu-west-1.queue.amazonaws.com/123456789012/sales", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/sales", "cn-north-1"),
        ("http://localhost:5000/1/sales", None),
    ],
)
def test_an_address_of_amazon_names_its_region(address: str, region: str | None) -> None:
    assert region_of(address) == region
