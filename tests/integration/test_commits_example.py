"""Real commit histories go through the whole house: nothing lost, every sum equal to an independent count."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from startrail import examples
from startrail.flow.read import published
from startrail.flow.run import Result, run
from startrail.flow.select import Selection
from startrail.flow.workspace import Workspace
from startrail.wiring import open_project
from startrail.wiring.capabilities import capabilities

FULL = Path(__file__).resolve().parents[3] / "shared" / "data" / "commits"
"""The whole histories, where they are at hand; the example itself holds a sample."""

Commit = dict[str, str | int]


def commits_in(folder: Path) -> Iterator[Commit]:
    for path in sorted(folder.glob("*.ndjson.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def run_it(folder: Path) -> Result:
    with open_project(folder, "local") as opened:
        return run(opened.project, opened.profile, opened.ports, capabilities(), Selection(), lambda _event: None)


def ask(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with open_project(folder, "local", read_only=True) as opened:
        ports = opened.ports
        query = published(sql, Workspace(ports.ledger, ports.tables), ports.ledger, ports.tables())
        return ports.warehouse().fetch(query).rows


def utc_month(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m")


def assert_all_there(folder: Path, commits: list[Commit], result: Result) -> None:
    assert result.ok
    assert (result.counts.rows_in, result.counts.loaded) == (len(commits), len(commits))
    committed = Counter((utc_month(str(c["committed_at"])), c["repo"]) for c in commits)
    authored = Counter((str(c["authored_at"])[:7], c["repo"]) for c in commits)
    rows = ask(folder, "select strftime(month, '%Y-%m'), repo, committed, authored from marts.monthly")
    assert {(m, r): n for m, r, n, _ in rows if n} == dict(committed)
    assert {(m, r): n for m, r, _, n in rows if n} == dict(authored)
    totals = ask(folder, "select sum(commits), sum(merges), sum(insertions), sum(deletions) from marts.committed_daily")[0]
    merges = sum(int(c["parents"]) >= 2 for c in commits)
    assert [int(str(value)) for value in totals] == [
        len(commits), merges, sum(int(c["insertions"]) for c in commits), sum(int(c["deletions"]) for c in commits),
    ]  # fmt: skip
    identities = ask(
        folder, "select count(*), count(distinct (_delivery, _ordinal)), count(distinct (repo, sha)) from raw.commits"
    )
    assert identities == [(len(commits),) * 3]


def test_the_sample_comes_through_whole_and_a_second_run_does_nothing(tmp_path: Path) -> None:
    examples.write("commits", tmp_path / "p")
    assert_all_there(tmp_path / "p", list(commits_in(tmp_path / "p" / "data")), run_it(tmp_path / "p"))
    assert (tmp_path / "p" / "delivered" / "commits_monthly.html").stat().st_size > 1000
    assert run_it(tmp_path / "p").steps == 0


@pytest.mark.skipif(not FULL.is_dir(), reason="the full histories are not beside this checkout")
def test_the_full_histories_come_through_whole(tmp_path: Path) -> None:
    examples.write("commits", tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / "data")
    shutil.copytree(FULL, tmp_path / "p" / "data", ignore=shutil.ignore_patterns("*.md"))
    assert_all_there(tmp_path / "p", list(commits_in(FULL)), run_it(tmp_path / "p"))
