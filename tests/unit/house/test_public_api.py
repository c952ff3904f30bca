"""What the two public modules name is there, and costs nothing before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import startrail
from startrail import testing


@pytest.mark.parametrize(("module", "name"), [(m, n) for m in (startrail, testing) for n in m.__all__])
def test_every_public_name_is_there(module: object, name: str) -> None:
    assert getattr(module, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = startrail.nothing  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_else() -> None:
    script = "import sys, startrail, startrail.testing; print([m for m in sys.modules if m in ('msgspec', 'duckdb', 'click')])"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip() == "[]"
