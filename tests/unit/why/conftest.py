"""One engine for all tests of why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.fixtures.warehouse import open_duckdb

from startrail.ports.warehouse import Warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    opened = open_duckdb(tmp_path_factory.mktemp("engine"))
    yield opened
    opened.close()
