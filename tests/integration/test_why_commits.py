"""Commits per month by two dates, merges left out on one side: every month is explained as plain counting explains it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from startrail import examples
from startrail.flow.run import run
from startrail.flow.select import Selection
from startrail.wiring import open_project
from startrail.wiring.capabilities import capabilities
from startrail.wiring.why import why

AUTHORED = """\
metric: dev.authored
source: staging.commits
agg: count
agg_time_dimension: {column: authored_on}
filters: [{name: no_merges, sql: not is_merge}]
dimensions: [repo]
"""
COMMITTED = """\
metric: dev.committed
source: staging.commits
agg: count
agg_time_dimension: {column: committed_at, timezone: UTC}
dimensions: [repo]
"""
MOST = 15


def counted(folder: Path) -> dict[str, list[int]]:
    """Month -> commits by author's date without merges, by committer's date without merges, and both with merges."""
    found: dict[str, list[int]] = {}
    for path in sorted(folder.glob("*.ndjson.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for commit in map(json.loads, file):
                applied = datetime.fromisoformat(commit["committed_at"]).astimezone(UTC)
                for by, month in enumerate((str(commit["authored_at"])[:7], applied.strftime("%Y-%m"))):
                    row = found.setdefault(month, [0, 0, 0, 0])
                    row[by + 2] += 1
                    row[by] += int(commit["parents"]) < 2
    return found


def test_every_month_is_explained_as_counting_explains_it(tmp_path: Path) -> None:
    examples.write("commits", tmp_path / "commits")
    folder = tmp_path / "commits" / "metrics" / "dev"
    folder.mkdir(parents=True)
    (folder / "authored.yml").write_text(AUTHORED, encoding="utf-8")
    (folder / "committed.yml").write_text(COMMITTED, encoding="utf-8")
    with open_project(tmp_path / "commits", "local") as opened:
        assert run(opened.project, opened.profile, opened.ports, capabilities(), Selection(), lambda _event: None).ok
        months = counted(tmp_path / "commits" / "data")
        busy = sorted(months, key=lambda month: (-abs(months[month][3] - months[month][0]), month))[:MOST]
        for month in busy:
            neither, date_only, merges_only, both = months[month]
            gap = why(opened, "dev.authored", "dev.committed", month)
            assert (gap.value_a, gap.value_b, gap.unexplained) == (neither, both, 0)
            shares = {line.cause: Fraction(line.exact) for line in gap.lines}
            date = Fraction(date_only - neither + both - merges_only, 2)
            assert shares.get("time_column", 0) == date
            assert shares.get("filter no_merges", 0) == both - neither - date
