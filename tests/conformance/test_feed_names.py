"""Names as a feed may show them: hostile, odd, and alike. One suite for every feed that lists names."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.test_feed import FolderSite, LinksSite, S3Site, _site
from tests.fixtures.landing import Place

from startrail.adapters.feed import listing
from startrail.adapters.feed.listing import TooManyNames
from startrail.base.errors import SourceError
from startrail.ports.feed import FeedFailed, Seen

FEEDS = ["folder", "ftp", "old ftp", "ftps explicit", "sftp", "s3", "links"]


@pytest.fixture(params=FEEDS)
def named(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return _site(request.param, request, tmp_path)


@pytest.fixture(params=["ftp", "old ftp", "sftp", "links"])
def lying(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Servers that can be made to show any name."""
    return _site(request.param, request, tmp_path)


HOSTILE = [
    b"../outside.csv", b"../../../../../../etc/passwd", b"/etc/passwd", b"sub/../../outside.csv", b"a//b.csv", b"..", b".",
    b"nul\0.csv", b"~root/x.csv", b"..\\outside.csv", b"C:\\x.csv", b"\xff\xfe.csv", b"x" * 300 + b".csv",
    "\u202ecsv.exe".encode(), b"esc\x1b[2J.csv", b"bell\x07.csv",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_that_leads_elsewhere_or_cannot_be_asked_for_harms_nothing(
    lying: Any, hostile: bytes, disk: Place, tmp_path: Path
) -> None:
    (tmp_path / "outside.csv").write_bytes(b"outside")
    lying.put("sound.csv", b"sound")
    target = lying if isinstance(lying, LinksSite) else lying.server
    target.pretends.append(hostile)
    with contextlib.suppress(SourceError):
        disk.land(lying.feed(disk.clock))
    assert disk.contents() == [b"sound"]
    assert all(name.isprintable() for name in disk.ledger.seen("shop").landed)
    target.pretends.clear()
    assert disk.land(lying.feed(disk.clock)) == (), "the next run is as if it had never been there"


ODD = [
    "with space.csv",
    "ünï-日本-🙂.csv",
    "per%20cent?#&.csv", "-rf *.csv", "x" * 240 + ".csv", "'quotes\".csv", "semi;colon,=.csv",
    "bidi \u202e csv.csv", "zero\u200bwidth.csv", "tab\tin.csv",
]  # fmt: skip


def test_odd_names_come_whole_and_are_safe_to_show(named: Any, disk: Place) -> None:
    names = [name for name in ODD if "\t" not in name or not isinstance(named, S3Site)]
    for name in names:
        named.put(name, name.encode())
    landed = disk.land(named.feed(disk.clock))
    assert disk.contents() == sorted(name.encode() for name in names)
    assert all(delivery.name.isprintable() and len(delivery.name) <= 200 for delivery in landed)
    assert len({delivery.name for delivery in landed}) == len(names)
    assert disk.land(named.feed(disk.clock)) == ()


def test_names_that_are_alike_to_some_are_different_files(named: Any, disk: Place) -> None:
    names = ["Ü.csv", "ü.csv", "u\u0308.csv", "a.csv", "A.csv", "ﬁ.csv", "fi.csv", "ß.csv", "ss.csv"]
    for name in names:
        named.put(name, name.encode())
    landed = disk.land(named.feed(disk.clock))
    assert len({delivery.name for delivery in landed}) == len(names)
    assert disk.contents() == sorted(name.encode() for name in names)


def test_names_of_300_bytes_are_told_apart(named: Any, disk: Place) -> None:
    if not isinstance(named, S3Site | LinksSite):
        names = ["d" * 200 + "/" + "f" * 95 + end + ".csv" for end in "ab"]
    else:
        names = ["f" * 295 + end + ".csv" for end in "ab"]
    for name in names:
        named.put(name, name.encode())
    landed = disk.land(named.feed(disk.clock))
    assert len({delivery.name for delivery in landed}) == 2
    assert all(len(delivery.name) <= 200 for delivery in landed)


@pytest.mark.parametrize("kind", ["folder", "ftp", "sftp", "s3"])
def test_more_names_than_are_kept_are_refused_and_told(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, disk: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = _site(kind, request, tmp_path)
    for number in range(12):
        site.put(f"{number:02}.csv", b"%d" % number)
    monkeypatch.setattr(listing, "MOST_NAMES", 10)
    with pytest.raises(TooManyNames, match=r"ST222 .* more than 10 names that match"):
        disk.land(site.feed(disk.clock))
    assert disk.contents() == []
    feed = site.feed(disk.clock, pattern="0*")
    assert len(list(feed.offers(Seen(), disk.clock.now()))) == 10
    feed.close()


def test_bytes_that_are_no_utf8_keep_names_apart(tmp_path: Path, disk: Place) -> None:
    site = FolderSite(tmp_path / "in")
    for name in (b"\xff.csv", b"\xfe.csv", b"\\xff.csv"):
        (site.root / os.fsdecode(name)).write_bytes(name)
    landed = disk.land(site.feed(disk.clock))
    assert len({delivery.name for delivery in landed}) == 3


@pytest.mark.parametrize(
    "key", ["tab\tin.csv", "a//b.csv", "a/../b.csv", "../x.csv", "./x.csv", "esc\x1b.csv", "/x.csv", "x.csv/"]
)
def test_an_object_that_cannot_be_asked_for_is_named_and_the_others_are_landed(
    key: str, s3_endpoint: str, s3_bucket: str, disk: Place
) -> None:
    import boto3

    site = S3Site(s3_endpoint, s3_bucket)
    site.put("sound.csv", b"sound")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=s3_endpoint, **keys)
    client.put_object(Bucket=s3_bucket, Key=f"from/here/{key}", Body=b"odd")
    with pytest.raises(FeedFailed, match="ST206") as told:
        disk.land(site.feed(disk.clock))
    assert "have that object renamed" in str(told.value)
    assert str(told.value).replace("\n", "").isprintable()
    assert disk.contents() == [b"sound"]
    client.delete_object(Bucket=s3_bucket, Key=f"from/here/{key}")
    assert disk.land(site.feed(disk.clock)) == ()
    client.close()


def test_an_odd_name_that_nobody_wants_is_not_told_of(s3_endpoint: str, s3_bucket: str, disk: Place) -> None:
    import boto3

    site = S3Site(s3_endpoint, s3_bucket)
    site.put("sound.csv", b"sound")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=s3_endpoint, **keys)
    for key in ("from/here/a//b.csv", "from/here/./x.txt", "elsewhere//x.csv"):
        client.put_object(Bucket=s3_bucket, Key=key, Body=b"odd")
    assert [delivery.name for delivery in disk.land(site.feed(disk.clock, pattern="*.csv"))] == ["sound.csv"]
    client.close()


def test_what_shows_a_folder_in_a_bucket_is_no_file(s3_endpoint: str, s3_bucket: str, disk: Place) -> None:
    import boto3

    site = S3Site(s3_endpoint, s3_bucket)
    site.put("sub/sound.csv", b"sound")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=s3_endpoint, **keys)
    for folder in ("from/here/", "from/here/sub/"):
        client.put_object(Bucket=s3_bucket, Key=folder)
    assert [delivery.name for delivery in disk.land(site.feed(disk.clock))] == ["sub/sound.csv"]
    client.close()
