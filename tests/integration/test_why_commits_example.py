"""``why`` on real commit histories: every month is explained without a residual, as plain Python finds it too.

Authored: by the author's own calendar, without merges. Committed: by the UTC calendar, all commits. With two causes the
attribution of each is the mean of what it moves when it is swapped first and last, which a count per mixture gives.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest

from startrail import examples
from startrail.capabilities.why.gap import Gap
from startrail.flow.run import run
from startrail.flow.select import Selection
from startrail.wiring import Opened, open_project
from startrail.wiring.capabilities import capabilities
from startrail.wiring.why import why

FULL = Path(__file__).resolve().parents[3] / "shared" / "data" / "commits"
"""The whole histories, where they are at hand; the example itself holds a sample."""
_STRIDE = 10
"""Of the whole histories, every tenth month: the sample goes through all of them."""
TIME, MERGES = "time_column", "filter no_merges"


class Counts(NamedTuple):
    """Commits per month in each mixture of the two definitions."""

    authored: Counter[str]
    with_merges: Counter[str]
    """Authored, but merges count."""
    applied: Counter[str]
    """Committed, but merges do not count."""
    committed: Counter[str]
    moved: Counter[str]
    """Commits that count in one of the two months by time alone: in this month by one date only."""
    merges: Counter[str]
    """Merges in the month by either date."""

    @property
    def months(self) -> list[str]:
        return sorted({*self.with_merges, *self.committed})


def counted(folder: Path) -> Counts:
    """By plain Python, from the files alone."""
    found = Counts(Counter(), Counter(), Counter(), Counter(), Counter(), Counter())
    for path in sorted(folder.glob("*.ndjson.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for commit in map(json.loads, file):
                written = commit["authored_at"][:7]
                applied = datetime.fromisoformat(commit["committed_at"]).astimezone(UTC).strftime("%Y-%m")
                merge = commit["parents"] >= 2
                found.with_merges[written] += 1
                found.committed[applied] += 1
                found.authored[written] += not merge
                found.applied[applied] += not merge
                for month in {written, applied}:
                    found.moved[month] += written != applied
                    found.merges[month] += merge
    return found


def assert_explained(opened: Opened, month: str, counts: Counts, *, check: bool = False) -> None:
    """Numbers, gap, each cause's first and last swap, its exact share and its rows are those of plain Python."""
    found: Gap = why(opened, "commits.authored", "commits.committed", month, check=check)
    a, b = counts.authored[month], counts.committed[month]
    assert (found.value_a, found.value_b, found.gap, found.unexplained) == (a, b, b - a, 0), month
    assert sum((line.amount for line in found.lines), Decimal(0)) == b - a, month
    assert sum((part.amount for part in found.partition), Decimal(0)) == b - a, month
    lines = {line.cause: line for line in found.lines}
    assert {*lines, *found.without_effect} == {TIME, MERGES}, month
    only_time, only_merges = counts.applied[month], counts.with_merges[month]
    truth = {
        TIME: (only_time - a, b - only_merges, counts.moved[month]),
        MERGES: (only_merges - a, b - only_time, counts.merges[month]),
    }
    for cause, (first, last, rows) in truth.items():
        line = lines.get(cause)
        if line is None:
            assert (first, last, rows) == (0, 0, 0), (month, cause)
            continue
        assert (line.first, line.last, line.rows) == (first, last, rows), (month, cause)
        assert Fraction(line.exact) == Fraction(first + last, 2), (month, cause)
        assert abs(Fraction(line.amount) - Fraction(line.exact)) < 1, (month, cause)
        if line.segments:
            assert sum((each.amount for each in line.segments), Decimal(0)) == line.amount, (month, cause)
    if check:
        assert found.verified == 2


def loaded(folder: Path) -> None:
    with open_project(folder, "local") as opened:
        selection = Selection()
        result = run(opened.project, opened.profile, opened.ports, capabilities(), selection, lambda _event: None)
    assert result.ok


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commits") / "p"
    examples.write("commits", folder)
    loaded(folder)
    return folder


@pytest.fixture
def opened(sample: Path) -> Iterator[Opened]:
    with open_project(sample, "local", read_only=True) as found:
        yield found


@pytest.mark.slow
def test_every_month_of_the_sample_is_explained(sample: Path, opened: Opened) -> None:
    counts = counted(sample / "data")
    assert len(counts.months) > 100
    assert any(counts.applied[month] != counts.authored[month] for month in counts.months), "the dates must matter"
    assert any(counts.with_merges[month] != counts.authored[month] for month in counts.months), "merges must matter"
    for place, month in enumerate(counts.months):
        assert_explained(opened, month, counts, check=place % 10 == 0)


def test_a_whole_year_is_explained_too(sample: Path, opened: Opened) -> None:
    counts = counted(sample / "data")
    years = Counts(*(Counter[str]() for _ in Counts._fields))
    for name in ("authored", "with_merges", "applied", "committed"):
        for month, number in getattr(counts, name).items():
            getattr(years, name)[month[:4]] += number
    found = why(opened, "commits.authored", "commits.committed", "2021")
    assert (found.value_a, found.value_b) == (years.authored["2021"], years.committed["2021"])
    assert found.unexplained == 0


@pytest.mark.slow
@pytest.mark.skipif(not FULL.is_dir(), reason="the full histories are not beside this checkout")
def test_the_full_histories_are_explained_month_by_month(tmp_path: Path) -> None:
    examples.write("commits", tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / "data")
    shutil.copytree(FULL, tmp_path / "p" / "data", ignore=shutil.ignore_patterns("*.md"))
    loaded(tmp_path / "p")
    counts = counted(FULL)
    with open_project(tmp_path / "p", "local", read_only=True) as opened:
        for month in counts.months[::_STRIDE]:
            assert_explained(opened, month, counts)
