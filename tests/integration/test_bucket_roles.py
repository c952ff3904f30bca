"""Whoever asks a bucket, by keys of whatever kind, is shown all that is in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.roles import ROLE, Machine, as_in_no_cloud
from tests.fixtures.s3 import fresh_bucket, served

from startrail.adapters.feed.s3.feed import S3Feed
from startrail.adapters.report.s3 import S3Folder
from startrail.adapters.s3 import roles
from startrail.adapters.store.s3.store import S3Store
from startrail.model import destination, profile, source
from startrail.ports.feed import FeedFailed, FeedForbidden, Seen
from startrail.ports.store import StoreForbidden
from startrail.testing.clock import ManualClock

KINDS = {
    "of the environment": "mine",
    "of a machine": "by-role",
    "of a container": "by-container",
    "of an identity": "ASIA",
}


class Witness:
    """In front of an S3 API: in whose names it was asked."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.names: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if "/sts/" not in environ.get("HTTP_AUTHORIZATION", "") and environ["PATH_INFO"] != "/":
            told = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition("/")[0]
            self.names.add(told)
            assert ("HTTP_X_AMZ_SECURITY_TOKEN" in environ) == (told not in ("", "mine"))
        return self._app(environ, start_response)


@pytest.fixture(scope="module")
def lake() -> Iterator[tuple[str, Witness]]:
    found: list[Witness] = []

    def wrap(app: Any) -> Witness:
        found.append(Witness(app))
        return found[0]

    with served(wrap) as endpoint:
        yield endpoint, found[0]


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


def _become(kind: str, machine: Machine, endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "token").write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.")
    said = {
        "of the environment": {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "s"},
        "of a machine": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": machine.address},
        "of a container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{machine.address}/container"},
        "of an identity": {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"), "AWS_ROLE_ARN": ROLE, "AWS_ENDPOINT_URL_STS": endpoint,
        },
    }  # fmt: skip
    as_in_no_cloud(monkeypatch)
    for name, value in said[kind].items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", KINDS)
def test_keys(kind: str, lake: tuple[str, Witness], machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, witness = lake
    bucket = fresh_bucket(endpoint)
    _become(kind, machine, endpoint, tmp_path, monkeypatch)
    witness.names.clear()
    store = S3Store(profile.S3Store(bucket, endpoint=endpoint), tmp_path)
    store.put("one.csv", b"1")
    assert store.put_as(iter([bytes(1 << 20)] * 9), lambda: "two.csv")
    S3Folder(destination.S3Destination(bucket, endpoint=endpoint)).deliver("z.csv", lambda path: path.write_bytes(b"3"))
    store._client.send("PUT", "odd//name.csv", body=[b"?"])
    clock = ManualClock()
    feed = S3Feed(source.S3Feed(bucket, endpoint=endpoint, pattern="**"), clock)
    offers, landed = feed.offers(Seen(), clock.now()), {}
    for offer in islice(offers, 3):
        landed[offer.name] = sum(map(len, feed.fetch(offer)))
    with pytest.raises(FeedFailed, match=r"has a name that cannot be asked for: odd//name\.csv"):
        next(offers)
    feed.close()
    assert landed == {"one.csv": 1, "two.csv": 9 << 20, "z.csv": 1}
    assert {name[: len(KINDS[kind]) or None] for name in witness.names} == {KINDS[kind]}


def test_an_open_bucket_is_asked_in_nobodys_name(lake: tuple[str, Witness], monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_no_cloud(monkeypatch)
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    endpoint, witness = lake
    bucket = fresh_bucket(endpoint)
    witness.names.clear()
    clock = ManualClock()
    assert list(S3Feed(source.S3Feed(bucket, endpoint=endpoint), clock).offers(Seen(), clock.now())) == []
    assert witness.names == {""}


def test_where_nobody_hands_out_keys_it_is_said_what_was_tried(
    lake: tuple[str, Witness], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_in_no_cloud(monkeypatch)
    monkeypatch.setattr(roles.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    endpoint, witness = lake
    witness.names.clear()
    clock, told = ManualClock(), r"no keys for the bucket.* http://127\.0\.0\.1:9 hands out none: Connection refused"
    feed = S3Feed(source.S3Feed("any", endpoint=endpoint), clock)
    with pytest.raises(FeedForbidden, match=told):
        list(feed.offers(Seen(), clock.now()))
    with pytest.raises(StoreForbidden, match=told):
        S3Store(profile.S3Store("any", endpoint=endpoint), tmp_path).get("one.csv")
    assert witness.names == set()
