"""What an event says of steps that no small run shows."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from tests.fixtures.openlineage import Json, official

from startrail.adapters.openlineage.messages import RunEvent, Teller
from startrail.adapters.openlineage.names import Names
from startrail.base.span import Span
from startrail.lineage.atlas import Atlas
from startrail.model.delivery import Counts
from startrail.model.lineage import TRANSFORMATION, Influence, Node, TracedColumn, TracedTable
from startrail.model.model import Model
from startrail.model.profile import Profile
from startrail.model.project import Project
from startrail.model.source import FolderFeed, Source
from startrail.model.step import CheckResult, Step, StepOutput

NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)
ATLAS = Atlas(
    {"marts.seen": Node("marts.seen", "view", ("seen",)), "raw.orders": Node("raw.orders", "table", ("*",))},
    {"marts.seen": TracedTable("marts.seen", (TracedColumn("seen", (Influence("raw.orders", "id", TRANSFORMATION),)),))},
    {},
)


def teller(atlas: Atlas | None = ATLAS) -> Teller:
    source = Source(name="orders", feed=FolderFeed(path="inbox"), span=Span(""), contract="orders")
    view = Model("marts.seen", "select id + 1 as seen from raw.orders", "models/marts/seen.sql", kind="view")
    project = Project("shop", "/data/shop", {}, {"orders": source}, {}, {"marts.seen": view}, {}, {})
    names = Names(project, Profile())
    return Teller(project, names, lambda: atlas, lambda kind, subject: ("raw.orders",), "duckdb")


def checked(event: RunEvent) -> Json:
    found = msgspec.json.decode(msgspec.json.encode(event))
    official(found)
    return found


def test_a_held_delivery_is_a_failed_load_that_says_why() -> None:
    output = StepOutput(counts=Counts(rows_in=5, held=5), held="half of the rows that came before are missing")
    event = checked(teller().step_ends("FAIL", "r", Step("load", "orders", "d1"), NOW, output))
    assert event["run"]["facets"]["errorMessage"]["message"] == "half of the rows that came before are missing"
    [assertion] = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["success"], assertion["severity"]) == (False, "error")
    assert event["outputs"] == []


def test_a_view_is_written_without_rows_and_read_by_its_name() -> None:
    output = StepOutput(view="select id + 1 as seen from raw.orders", reads=("raw.orders",))
    event = checked(teller().step_ends("COMPLETE", "r", Step("build", "marts.seen"), NOW, output))
    [view] = event["outputs"]
    assert (view["namespace"], view["name"]) == ("shop", "marts.seen")
    assert "outputFacets" not in view
    [source] = view["facets"]["columnLineage"]["fields"]["seen"]["inputFields"]
    assert source["name"] == "/data/shop/.startrail/tables/raw/orders"
    assert "schema" not in event["inputs"][0]["facets"], "not all of its columns are known"


def test_a_project_without_lineage_tells_the_rest() -> None:
    event = checked(teller(None).step_ends("COMPLETE", "r", Step("build", "marts.seen"), NOW, StepOutput(view="select 1")))
    assert event["outputs"] == [{"namespace": "shop", "name": "marts.seen"}]


def test_a_check_that_no_declaration_names_any_more_keeps_its_title() -> None:
    output = StepOutput(checks=(CheckResult("unique(id)", "warn", False, 2, "2 rows are double"),))
    event = checked(teller().step_ends("COMPLETE", "r", Step("check", "marts.seen"), NOW, output))
    [assertion] = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["assertion"], assertion["name"], assertion["description"]) == ("unique", "unique(id)", "2 rows are double")


def test_a_message_is_bounded() -> None:
    event = checked(teller().run_ends("FAIL", "r", NOW, "x" * 1_000_000))
    assert len(event["run"]["facets"]["errorMessage"]["message"]) == 10_000
