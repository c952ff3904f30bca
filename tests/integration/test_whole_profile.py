"""Everything on the profile of a team: ledger in PostgreSQL, bytes, tables and reports in a bucket. Same figures as at home."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store as Bucket
from tests.faults.child import Death
from tests.fixtures.twins import MENDED, NIGHTS, Twin, new_bucket, team

Tables = dict[str, Counter[str]]
LATER = "2026-10-04T09:00+02:00"


@pytest.fixture(scope="module")
def environment(postgres_dsn: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_DSN", postgres_dsn)
        patch.setenv("S3_KEY", "test")
        yield


class Pair:
    """The shop at home and the team's, after the same three nights."""

    def __init__(self, folder: Path, endpoint: str, bucket: str) -> None:
        self.endpoint, self.bucket = endpoint, bucket
        self.home = Twin(folder / "home")
        self.team = Twin(folder / "team", team(endpoint, bucket))
        for number in (1, 2, 3):
            outcomes = [each.night(number) for each in (self.home, self.team)]
            assert [each.code for each in outcomes] == [0, 0], outcomes[1].text

    def same(self, *arguments: str, code: int = 0) -> str:
        """Both say the same."""
        home, away = self.home.said(*arguments), self.team.said(*arguments)
        assert away == home
        assert away[0] == code, away[1]
        return away[1]

    def objects(self) -> dict[str, bytes]:
        keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint": self.endpoint}
        store = Bucket(self.bucket, region="us-east-1", client_options={"allow_http": True}, **keys)
        found = [each["path"] for batch in obstore.list(store) for each in batch]
        return {path: bytes(obstore.get(store, path).bytes()) for path in found}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str, environment: None) -> Pair:
    return Pair(tmp_path_factory.mktemp("pair"), s3_endpoint, new_bucket(s3_endpoint))


def test_three_nights_publish_the_same_figures(pair: Pair) -> None:
    home, away = pair.home.tables(), pair.team.tables()
    assert away == home
    assert len(home) == 9
    assert pair.team.said("ledger", "verify")[0] == 0


def test_reports_are_the_same_and_nothing_but_caches_is_written_on_this_machine(pair: Pair) -> None:
    objects = pair.objects()
    for number in (2, 3, 4):
        name = f"product_sales_2026-10-0{number}.csv"
        assert objects[f"delivered/{name}"] == (pair.home.root / "delivered" / name).read_bytes()
        assert f"delivered/daily_sales_2026-10-0{number}.html" in objects
    assert pair.team.written_here() == set()
    assert not (pair.team.root / "delivered").exists()
    assert {path.partition("/")[0] for path in objects} == {"delivered", "team"}
    assert {path.split("/")[1] for path in objects if path.startswith("team/")} == {"landing", "quarantine", "tables"}


def test_what_people_ask_is_answered_alike(pair: Pair) -> None:
    assert "100 rows in = 97 loaded + 3 quarantined" in pair.same("quarantine", "list", code=1)
    assert "unexplained 0.00" in pair.same("why", "finance.net_revenue", "--at", NIGHTS[1], "--vs", "2026-10-04T12:00+02:00")
    pair.same("metric", "value", "finance.net_revenue", "--period", "2026-10")
    pair.same("lineage", "marts.sales_daily")
    pair.same("drift", "list", code=pair.home.said("drift", "list")[0])
    pair.same("incident", "list", "--all")
    assert "Nothing to do" in pair.same("plan")
    status = pair.team.call("status", "--now", "2026-10-04T08:05+02:00")
    assert f"s3://{pair.bucket}/delivered/daily_sales_2026-10-04.html" in status.text


def test_a_changed_contract_is_rehearsed_on_the_landed_bytes(pair: Pair) -> None:
    for each in (pair.home, pair.team):
        path = each.root / "contracts/orders.odcs.yml"
        kept = path.read_text()
        path.write_text(kept.replace("logicalTypeOptions: {minimum: 1}", "logicalTypeOptions: {minimum: 1, maximum: 2}"))
    try:
        told = pair.same("plan", "--now", LATER)
        assert "9 deliveries landed 2026-10-02 to 2026-10-04" in told
        assert "$.quantity" in told
    finally:
        for each in (pair.home, pair.team):
            (each.root / "contracts/orders.odcs.yml").write_text(kept)


def test_files_are_copied_into_the_bucket_and_copied_once(pair: Pair) -> None:
    copy = ("sources", "copy", "store_sales", "--to", f"s3://{pair.bucket}/lake", "--now", LATER)
    first = pair.team.call(*copy)
    assert first.code == 0, first.text
    upstream = {path.name: path.read_bytes() for path in (pair.team.root / "upstream/ftp").glob("sales_*.csv")}
    assert {path.removeprefix("lake/"): data for path, data in pair.objects().items() if path.startswith("lake/")} == upstream
    assert "nothing new" in pair.team.call(*copy).text


def test_refused_rows_are_mended_and_replayed_from_another_machine(pair: Pair) -> None:
    pair.team.forget()
    for each in (pair.home, pair.team):
        (each.root / "contracts/repairs").mkdir()
        (each.root / "contracts/repairs/orders_api.yml").write_text(MENDED)
        outcome = each.call("quarantine", "replay", "--now", LATER)
        assert outcome.code == 0, outcome.text
    assert pair.team.tables() == pair.home.tables()
    assert "100 rows in = 100 loaded" in pair.same("quarantine", "list")
    assert pair.team.call("run", "--now", "2026-10-04T09:10+02:00").code == 0
    assert pair.team.written_here() == set()


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    home = Twin(tmp_path_factory.mktemp("first") / "home")
    assert home.night(1).code == 0
    return home.tables()


# -- killed, and two at once ------------------------------------------------------------------------------

POINTS = ("after stage", "between metadata and pointers", "after delivery written")


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_middle_and_gone_on_with_on_another_machine(
    point: str, tmp_path: Path, s3_endpoint: str, environment: None, first_night: Tables
) -> None:
    shop = Twin(tmp_path / "shop", team(s3_endpoint, new_bucket(s3_endpoint)))
    with shop.running(NIGHTS[0], Death(point)) as run:
        assert run.ended().code == -signal.SIGKILL
    seen = shop.tables()
    assert not seen or point == "after delivery written"
    shop.forget()
    with shop.running("2026-10-02T08:10+02:00") as run:
        ended = run.ended()
    assert ended.code == 0, ended.errors
    assert shop.tables() == first_night


def test_of_two_machines_that_run_at_once_one_works_at_a_time(
    tmp_path: Path, s3_endpoint: str, environment: None, first_night: Tables
) -> None:
    profile = team(s3_endpoint, new_bucket(s3_endpoint))
    one, other = Twin(tmp_path / "one", profile), Twin(tmp_path / "other", profile)
    with one.running(NIGHTS[0]) as first, other.running(NIGHTS[0]) as second:
        ended = [first.ended(), second.ended()]
    assert [each.code for each in ended] == [0, 0], [each.errors for each in ended]
    assert sorted(each.result["published"] for each in ended) == [False, True]
    assert not ended[0].started & ended[1].started
    assert one.tables() == other.tables() == first_night
