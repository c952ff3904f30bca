"""The command that applies a patch, typed where the project is: alone, as a repository, or in a folder of one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from startrail.cli.git_apply import git_apply

PATCH = "diff --git a/contracts/a.yml b/contracts/a.yml\n--- a/contracts/a.yml\n+++ b/contracts/a.yml\n@@ -1 +1 @@\n-old\n+new\n"


@pytest.mark.parametrize(("top", "project"), [(None, "."), (".", "."), (".", "data/shop")])
def test_the_patch_is_applied_wherever_the_project_lies(tmp_path: Path, top: str | None, project: str) -> None:
    root = tmp_path / project
    (root / "contracts").mkdir(parents=True)
    (root / "contracts" / "a.yml").write_text("old\n")
    (root / "a.patch").write_text(PATCH)
    if top is not None:
        subprocess.run(["git", "init", "--quiet", tmp_path / top], check=True)
    subprocess.run(git_apply("a.patch", root), cwd=root, check=True)
    assert (root / "contracts" / "a.yml").read_text() == "new\n"
