"""The house keeps its promises: nothing undocumented, nothing heavy at start-up, one word per capability."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import reference  # noqa: E402  (tools/ is not a package)

CAPABILITIES = sorted(path.name for path in (ROOT / "src/startrail/capabilities").iterdir() if (path / "__init__.py").exists())


def test_the_generated_pages_say_what_the_code_says() -> None:
    """In a process of its own: other tests leave commands that remember how they were called."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/reference.py"), "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_error_code_is_used_once_and_explained() -> None:
    classes = reference.error_classes()
    twice = [code for code, count in Counter(each.code for each in classes).items() if count > 1]
    assert not twice
    for each in classes:
        assert each.code[:2] == "ST"
        assert each.code[2:].isdecimal()
        assert "\n" in inspect.cleandoc(each.__doc__ or ""), f"{each.__name__}: say what happened, then what to do"


def test_every_event_says_what_it_means() -> None:
    assert all("| |" not in line for line in reference.events_page().splitlines()[5:])


HEAVY = {"duckdb", "pyarrow", "pyiceberg", "sqlglot", "rich", "yaml", "urllib3", "psycopg", "obstore", "sqlalchemy", "msgspec"}


def test_help_loads_no_heavy_module() -> None:
    script = (
        "import sys, json\n"
        "sys.argv = ['startrail', '--help']\n"
        "from startrail.cli.app import app\n"
        "app()\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert loaded & HEAVY == set()
    assert "Keep the report on time" in done.stdout


def test_the_tree_names_all_four_first_capabilities() -> None:
    assert {"sources", "contracts", "models", "reports"} <= set(CAPABILITIES)


ASKS = {"why", "alerts"}
"""Capabilities that ask about what the others declare: the user writes no folder of that name for them."""


@pytest.mark.parametrize("word", CAPABILITIES)
def test_a_capability_has_one_word_and_all_its_homes(word: str) -> None:
    example = ROOT / "src/startrail/examples/shop"
    assert (ROOT / f"src/startrail/model/{word.removesuffix('s')}.py").exists(), "the noun"
    assert word in ASKS or (example / word).is_dir(), "the folder a user writes"
    assert (ROOT / f"docs/how-to/{word}.md").exists(), "the page"
    assert (ROOT / f"tests/unit/{word}").is_dir(), "the tests"


def test_every_setting_says_what_it_means() -> None:
    silent = [line for line in reference.settings_page().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert silent == []
