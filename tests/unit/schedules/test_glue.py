"""Files for other schedulers: each is read back by what reads it."""

import shlex
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
import yaml

from startrail.capabilities.schedules.errors import CannotInstall
from startrail.capabilities.schedules.glue import Place, glue

PLACE = Place("Shop, north 100%", "/srv/my shop/100%", "/bin/true", "prod", "root", "registry.example/shop:1")


def test_the_systemd_unit_is_accepted_by_systemd(tmp_path: Path) -> None:
    root = tmp_path / "my 100% shop"
    root.mkdir()
    made = glue("systemd", msgspec.structs.replace(PLACE, root=str(root)))
    ((name, text),) = made.files.items()
    assert name == "startrail-shop-north-100.service"
    assert 'ExecStart="/bin/true" "serve" "--profile" "prod"' in text
    assert str(root).replace("%", "%%") in text
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    unit = tmp_path / name
    unit.write_text(text)
    judged = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert [line for line in judged.stderr.splitlines() if name in line] == []


def test_the_crontab_line_says_what_a_shell_understands() -> None:
    ((name, text),) = glue("cron", PLACE).files.items()
    (line,) = [each for each in text.splitlines() if not each.startswith("#")]
    assert name.endswith(".crontab")
    assert line.startswith("* * * * * ")
    command = line.removeprefix("* * * * * ")
    assert command.count("%") == command.count("\\%")  # cron would take a bare one for the end of the line
    words = shlex.split(command.replace("\\%", "%"))
    assert words[:8] == ["cd", "/srv/my shop/100%", "&&", "/bin/true", "tick", "--profile", "prod", "--json"]


def test_the_kubernetes_file_is_yaml_with_one_scheduler() -> None:
    ((_, text),) = glue("k8s", PLACE).files.items()
    found = yaml.safe_load(text)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert found["kind"] == "Deployment"
    assert found["spec"]["selector"]["matchLabels"] == found["spec"]["template"]["metadata"]["labels"]
    assert container["args"] == ["startrail", "serve", "--json", "--profile", "prod"]
    assert container["image"] == "registry.example/shop:1"


def test_the_github_workflow_is_yaml_and_runs_one_at_a_time() -> None:
    ((name, text),) = glue("github", PLACE).files.items()
    found = yaml.safe_load(text)
    assert name == ".github/workflows/startrail-shop-north-100.yml"
    assert found["on"]["schedule"] == [{"cron": "*/5 * * * *"}]
    assert found["concurrency"]["cancel-in-progress"] is False
    assert found["jobs"]["tick"]["steps"][-1]["run"] == "startrail tick --json --profile prod"


def test_a_line_break_in_a_path_is_refused() -> None:
    with pytest.raises(CannotInstall, match="control character"):
        glue("cron", msgspec.structs.replace(PLACE, root="/srv/a\n* * * * * rm -rf /"))


def test_a_kubernetes_file_needs_an_image() -> None:
    with pytest.raises(CannotInstall, match="image"):
        glue("k8s", msgspec.structs.replace(PLACE, image=None))
