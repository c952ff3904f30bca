"""The rights of a function suffice: before a real S3 API stands one who lets through only what its role may."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.sqs import client

from startrail.adapters.ledger.postgres import open_ledger
from startrail.base.span import Span
from startrail.capabilities.sources.bundle.rights import Right, rights
from startrail.model.bundle import Bundle
from startrail.model.profile import PostgresLedger, S3Store
from startrail.model.source import S3Feed, Source
from startrail.wiring.function.handler import Function

KEYS = {"access_key": "env:GUARD_KEY", "secret_key": "env:GUARD_KEY"}


DENIED = s3_error("", 403, "AccessDenied")
SEVERAL = "keys in the request's body"


class Guard(FaultyHttp):
    """Asks of every request what S3 would ask: is there a statement that allows this action on this?"""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.allowed: tuple[Right, ...] = ()
        self.denied: list[str] = []

    def take(self, request: str) -> Rule | None:
        action, arn, prefix = asked(request)
        return super().take(request) if arn == SEVERAL or self._may(action, arn, prefix) else DENIED

    def forwarded(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        action, arn, _ = asked(f"{method} {target}")
        if arn == SEVERAL:
            bucket = urlsplit(target).path.strip("/")
            keys = [unquote(key) for key in re.findall(r"<Key>(.*?)</Key>", body.decode())]
            if not all(self._may(action, f"{bucket}/{key}", None) for key in keys):
                return DENIED.status, DENIED.headers, DENIED.body
        return super().forwarded(method, target, headers, body)

    def _may(self, action: str, arn: str, prefix: str | None) -> bool:
        if any(action in each.actions and _is_on(each, arn, prefix) for each in self.allowed):
            return True
        self.denied.append(f"{action} {arn}")
        return False


def _is_on(right: Right, arn: str, prefix: str | None) -> bool:
    if not any(fnmatchcase(arn, each.partition(":s3:::")[2]) for each in right.resources):
        return False
    return prefix is None or right.condition is None or any(fnmatchcase(prefix, each) for each in right.condition[2])


def asked(request: str) -> tuple[str, str, str | None]:
    """Action, bucket or bucket/key, and for a listing its prefix."""
    method, _, target = request.partition(" ")
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    if not key:
        if method == "POST" and "delete" in query:
            return "s3:DeleteObject", SEVERAL, None
        action = "s3:ListBucketMultipartUploads" if "uploads" in query else "s3:ListBucket"
        return action, bucket, query.get("prefix", [""])[0]
    if method == "DELETE":
        return "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", f"{bucket}/{key}", None
    if method in ("PUT", "POST"):
        return "s3:PutObject", f"{bucket}/{key}", None
    return "s3:GetObjectVersion" if "versionId" in query else "s3:GetObject", f"{bucket}/{key}", None


class Role:
    """A function that is let in only by its role."""

    def __init__(self, guard: Guard, upstream: str, bundle: Bundle, root: Path) -> None:
        self.s3, self.guard = client("s3", upstream), guard
        guard.allowed = rights(bundle)
        feed = bundle.source.feed
        assert isinstance(feed, S3Feed)
        self.lake = bundle.store.bucket
        self.drops = feed.bucket
        through = {"endpoint": guard.address, **KEYS}
        source = msgspec.structs.replace(bundle.source, feed=msgspec.structs.replace(feed, **through))
        store = msgspec.structs.replace(bundle.store, **through)
        self.function = Function(msgspec.structs.replace(bundle, source=source, store=store), root, root)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.drops, Key=key, Body=content)

    def told(self, *keys: str) -> dict[str, object]:
        places = [{"bucket": {"name": self.drops}, "object": {"key": key}} for key in keys]
        return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place} for place in places]}

    def there(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.lake, Prefix=prefix).get("Contents", ())
        return sorted(each["Key"] for each in found)


@pytest.fixture
def guard(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    monkeypatch.setenv("GUARD_KEY", "test")
    with contextlib.closing(Guard(s3_endpoint)) as made:
        yield made


@pytest.fixture
def buckets(s3_endpoint: str, s3_bucket: str) -> tuple[str, str]:
    """One to read, one to write."""
    client("s3", s3_endpoint).create_bucket(Bucket=f"{s3_bucket}-drops")
    return f"{s3_bucket}-drops", s3_bucket


OPTIONAL = {"s3:ListBucketMultipartUploads"}
"""Asked for by housekeeping, which takes no for an answer."""
LARGE = os.urandom(1 << 20) * 20


def test_copying_needs_no_more_than_it_may(guard: Guard, s3_endpoint: str, buckets: tuple[str, str], tmp_path: Path) -> None:
    source = Source("sales", S3Feed(buckets[0], "in"), Span("sources/sales.yml"))
    role = Role(guard, s3_endpoint, Bundle("p", "prod", "", "copy", source, S3Store(buckets[1], "copies")), tmp_path)
    for name, content in {"a.csv": b"1", "b.csv": b"2", "large.bin": LARGE}.items():
        role.put(f"in/{name}", content)
    assert role.function.handle({})["files"] == 3
    role.put("in/a.csv", b"newer")
    role.put("in/large.bin", LARGE[:-1])
    assert role.function.handle(role.told("in/a.csv", "in/large.bin", "in/gone.csv"))["files"] == 2
    for number in range(70):
        role.put(f"in/{number}.csv", b"x")
    assert role.function.handle({})["files"] == 70  # and what is remembered is gathered
    assert {each.partition(" ")[0] for each in guard.denied} <= OPTIONAL
    assert role.there("copies/.scratch") == []
    assert "copies/.startrail/sales/index/000000000001" in role.there("copies/.startrail")


def test_landing_needs_no_more_than_it_may(
    guard: Guard, s3_endpoint: str, buckets: tuple[str, str], tmp_path: Path, postgres_dsn: str, postgres_schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("LEDGER_DSN", postgres_dsn)
    queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
    source = Source("sales", S3Feed(buckets[0], "in", queue=queue), Span("sources/sales.yml"))
    ledger = PostgresLedger("env:LEDGER_DSN", postgres_schema)
    role = Role(guard, s3_endpoint, Bundle("p", "prod", "", "land", source, S3Store(buckets[1], "deep/er"), ledger), tmp_path)
    role.s3.put_bucket_versioning(Bucket=buckets[0], VersioningConfiguration={"Status": "Enabled"})
    old = role.s3.put_object(Bucket=buckets[0], Key="in/a.csv", Body=b"old")["VersionId"]
    role.put("in/a.csv", b"new")
    role.put("in/large.bin", LARGE)
    place = {"bucket": {"name": buckets[0]}, "object": {"key": "in/a.csv", "versionId": old}}
    told = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}]}
    assert role.function.handle(told)["files"] == 1
    assert role.function.handle(role.told("in/gone.csv"))["files"] == 0
    assert role.function.handle({})["files"] == 2
    assert {each.partition(" ")[0] for each in guard.denied} <= OPTIONAL
    found = role.there("deep/er")
    assert (len(found), all(key.startswith("deep/er/landing/") for key in found)) == (3, True)
    with contextlib.closing(open_ledger(postgres_dsn, schema=postgres_schema)) as opened:
        assert len(opened.deliveries("sales")) == 3


def test_without_a_right_it_fails(guard: Guard, s3_endpoint: str, buckets: tuple[str, str], tmp_path: Path) -> None:
    """The guard guards."""
    source = Source("sales", S3Feed(buckets[0], "in"), Span("sources/sales.yml"))
    role = Role(guard, s3_endpoint, Bundle("p", "prod", "", "copy", source, S3Store(buckets[1], "copies")), tmp_path)
    role.put("in/a.csv", b"1")
    guard.allowed = tuple(right for right in guard.allowed if right.sid != "WriteTarget")
    with pytest.raises(Exception, match="ST602"):
        role.function.handle({})
    assert guard.denied
