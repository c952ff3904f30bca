"""A ledger in which things happen, and the watch over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.fixtures.incidents import World

from startrail.testing import memory_ledger


@pytest.fixture
def world() -> Iterator[World]:
    ledger = memory_ledger()
    yield World(ledger)
    ledger.close()
