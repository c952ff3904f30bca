"""Terraform itself reads what it is told of a function."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from startrail.cli.app import root as command_line

SOURCES = {
    "ftp": 'feed: {kind: ftps, host: h.example, password: env:P}\nschedule: {cron: "0 3 1 * MON", timezone: Europe/Madrid}\n',
    "queue": "feed: {kind: s3, bucket: drops, prefix: in, queue: https://sqs.eu-west-1.amazonaws.com/123456789012/q}\n",
    "told": 'feed: {kind: s3, bucket: drops, prefix: in}\nschedule: {cron: "0 3 * * *"}\n',
}
OPTIONS = {"told": ["--trigger", "s3"]}
PLUGINS = os.environ.get("STARTRAIL_TERRAFORM_PLUGINS")
"""A folder with the AWS provider, laid out as ``terraform providers mirror`` does."""

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="needs the program terraform")


@pytest.fixture(params=SOURCES)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with a function."""
    command_line.main(["init", str(tmp_path / "shop")], standalone_mode=False)
    (tmp_path / f"shop/sources/{request.param}.yml").write_text(SOURCES[request.param])
    arguments = ["sources", "bundle", request.param, "--target", "aws-lambda", "--copy-to", "s3://lake/copies"]
    where = ["--to", str(tmp_path / "made"), "-C", str(tmp_path / "shop")]
    assert not command_line.main([*arguments, *where, *OPTIONS.get(request.param, [])], standalone_mode=False)
    return tmp_path / "made"


def _terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1", "AWS_REGION": "eu-west-1"}
    command = ["terraform", f"-chdir={folder}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_it_is_a_configuration_of_terraform(made: Path) -> None:
    done = _terraform(made, "get", "-no-color")
    assert done.returncode == 0, done.stderr
    asked = _terraform(made, "providers", "-no-color").stdout
    assert "hashicorp/aws] >= 6.0.0, < 7.0.0" in asked


@pytest.mark.skipif(PLUGINS is None, reason="needs the AWS provider: STARTRAIL_TERRAFORM_PLUGINS names no folder with it")
def test_the_provider_finds_it_valid(made: Path) -> None:
    done = _terraform(made, "init", "-no-color", "-input=false", "-backend=false", f"-plugin-dir={PLUGINS}")
    assert done.returncode == 0, done.stderr
    valid = _terraform(made, "validate", "-no-color")
    assert valid.returncode == 0, valid.stdout + valid.stderr
