"""The profile of a team, which new projects have as a comment, is one once its marks are taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from startrail import examples
from startrail.model.profile import PostgresLedger, S3Store
from startrail.wiring import read


@pytest.mark.parametrize("example", [None, "shop"])
def test_the_commented_profile_reads_without_an_error(example: str | None, tmp_path: Path) -> None:
    if example is None:
        examples.write_empty(tmp_path / "new")
    else:
        examples.write(example, tmp_path / "new", days=1)
    path = tmp_path / "new/startrail.yml"
    before, marked, after = path.read_text(encoding="utf-8").partition("  # team:")
    assert marked
    path.write_text(before + (marked + after).replace("  # ", "  "), encoding="utf-8")
    profile = read(tmp_path / "new").profiles["team"]
    assert isinstance(profile.ledger, PostgresLedger)
    assert isinstance(profile.store, S3Store)
