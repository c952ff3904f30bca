"""One shop per kind of ledger and test process; what a run comes to that nobody kills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.database import Database
from tests.faults.examine import Control, control
from tests.faults.shop import SECOND_RUN, Shop

Controls = Callable[[bool], Control]
_HERE = Path(__file__).parent
_AT_MOST_SECONDS = 1800
"""Each of these tests starts several processes, one after the other; what hangs is told by how long one of them may take."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_AT_MOST_SECONDS))


@pytest.fixture(scope="session")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def sqlite_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("sqlite"), None)


@pytest.fixture(scope="session")
def postgres_shop(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str, environment: pytest.MonkeyPatch) -> Shop:
    database = Database(postgres_dsn)
    environment.setenv(database.variable, database.dsn)
    return Shop(tmp_path_factory.mktemp("postgres"), database)


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """As it was after its first night, on each ledger in turn."""
    found: Shop = request.getfixturevalue(f"{request.param}_shop")
    found.reset()
    return found


@pytest.fixture(scope="session")
def controls(sqlite_shop: Shop) -> Controls:
    """The same for both ledgers, because nothing that a reader sees may depend on which it is."""
    made: dict[bool, Control] = {}

    def get(drifted: bool) -> Control:
        if drifted not in made:
            made[drifted] = control(sqlite_shop, SECOND_RUN, drifted=drifted)
            sqlite_shop.reset()
        return made[drifted]

    return get
