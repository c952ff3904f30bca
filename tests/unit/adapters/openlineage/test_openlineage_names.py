"""Datasets are called as the naming convention of OpenLineage has it, wherever they lie; secrets are in no name."""

from __future__ import annotations

import msgspec
import pytest
from openlineage.client.naming.dataset import S3, LocalFileSystem

from startrail.adapters.openlineage.names import Names
from startrail.base.span import Span
from startrail.model.destination import Destination, EmailDestination, FolderDestination, S3Destination, SftpDestination
from startrail.model.model import Model
from startrail.model.profile import LocalStore, OpenLineage, Profile, S3Store
from startrail.model.project import Project
from startrail.model.report import Report
from startrail.model.source import FolderFeed, FtpFeed, HttpFeed, Source

FEEDS = {
    "folder": FolderFeed(path="inbox"),
    "ftp": FtpFeed(host="ftp.example", path="/out", user="me"),
    "http": HttpFeed(url="https://shop.example:8443/api/orders?key=1"),
}


def project() -> Project:
    sources = {name: Source(name=name, feed=feed, span=Span("")) for name, feed in FEEDS.items()}
    models = {"marts.seen": Model("marts.seen", "select 1", "models/marts/seen.sql", kind="view")}
    report = Report("daily", "csv", Span(""), FolderDestination(path="out"))
    return Project("shop", "/data/shop", {}, sources, {}, models, {"daily": report}, {})


def names(profile: Profile | None = None) -> Names:
    return Names(project(), profile or Profile())


def test_a_table_is_where_its_files_are() -> None:
    local = LocalFileSystem(path="/data/shop/.startrail/tables/raw/orders")
    assert names().dataset("raw.orders") == (local.get_namespace(), local.get_name())
    absolute = names(Profile(store=LocalStore(path="/lake")))
    assert absolute.dataset("raw.orders") == ("file", "/lake/tables/raw/orders")
    bucket = names(Profile(store=S3Store(bucket="lake", prefix="shop/")))
    s3 = S3(bucket_name="lake", object_key="shop/tables/raw/orders")
    assert bucket.dataset("raw.orders") == (s3.get_namespace(), s3.get_name())


def test_a_view_has_only_its_name() -> None:
    assert names().dataset("marts.seen") == ("shop", "marts.seen")
    assert names().symlink("marts.seen") is None
    assert names().symlink("raw.orders") == ("shop", "raw.orders")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("folder", ("file", "/data/shop/inbox")),
        ("ftp", ("ftp://ftp.example:21", "/out")),
        ("http", ("https://shop.example:8443", "/api/orders")),
    ],
)
def test_a_source_is_where_it_comes_from(source: str, name: tuple[str, str]) -> None:
    assert names().dataset(f"source:{source}") == name


def test_the_reports_of_all_days_are_one_dataset() -> None:
    assert names().dataset("report:daily") == ("file", "/data/shop/out/daily_{date}.csv")


@pytest.mark.parametrize(
    ("to", "name"),
    [
        (S3Destination("lake", "reports/"), ("s3://lake", "reports/daily_{date}.csv")),
        (SftpDestination("files.example", "me", "/out", password="env:P"), ("sftp://files.example:22", "/out/daily_{date}.csv")),
        (EmailDestination("mail.example", "Us <us@shop.example>"), ("mailto", "us@shop.example/daily_{date}.csv")),
    ],
)
def test_a_report_is_where_its_first_place_is(to: Destination, name: tuple[str, str]) -> None:
    declared = project()
    report = msgspec.structs.replace(declared.reports["daily"], destination=None, destinations=(to,), recipients=("a@b.example",))
    found = Names(msgspec.structs.replace(declared, reports={"daily": report}), Profile())
    assert found.dataset("report:daily") == name


def test_runs_and_steps_have_ids_that_stay() -> None:
    assert names().run_id("20261003-1") == names().run_id("20261003-1") != names().run_id("20261003-2")
    first = names().step_id("r", "build", "marts.a", "2026-10-01")
    assert first == names().step_id("r", "build", "marts.a", "2026-10-01")
    assert (
        first != names().step_id("r", "build", "marts.a", "2026-10-02") != names().step_id("r", "load", "marts.a", "2026-10-01")
    )


def test_jobs_stand_in_the_namespace_that_the_profile_gives() -> None:
    assert names().step_job("build", "marts.a") == ("shop", "shop.build.marts.a")
    named = Profile(openlineage=msgspec.convert({"file": "x", "namespace": "prod"}, OpenLineage))
    assert names(named).run_job() == ("prod", "shop")
