"""A sender is killed at each of its points, and the next one goes on: told at least once, counted once by the receiver."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.figures import record
from tests.faults.process import Ended, process
from tests.fixtures.ledgers import NOW, Place

from startrail.base.crash import ALERT_POINTS
from startrail.base.span import Span
from startrail.capabilities.alerts.routing import rows_of
from startrail.model.alert import Change, IncidentChange, Route
from startrail.testing import AlertServer

ROUTES = {"all": Route(("hook", "pager"), Span("incidents/routes.yml"))}
AT = "2026-10-03T06:10Z"

PROJECT = """\
name: shop
profiles:
  local:
    ledger: {ledger}
    alerts:
      hosts: [127.0.0.1]
      endpoints:
        pager: {{kind: pagerduty, url: "{url}", routing_key: env:PAGER_KEY}}
        hook: {{kind: webhook, url: "{url}/hook", secret: env:HOOK_SECRET}}
"""
INCIDENTS = "routes:\n  all: {to: [pager, hook], changes: true}\n"


@pytest.fixture
def project(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEDGER_DSN", place.address)
    monkeypatch.setenv("HOOK_SECRET", "geheim")
    monkeypatch.setenv("PAGER_KEY", AlertServer().routing_key)
    (tmp_path / "shop/incidents").mkdir(parents=True)
    (tmp_path / "shop/incidents/routes.yml").write_text(INCIDENTS)
    return tmp_path / "shop"


def declare(project: Path, place: Place, server: AlertServer) -> None:
    sqlite, postgres = (
        f"{{kind: sqlite, path: '{place.address}'}}",
        f"{{kind: postgres, dsn: env:LEDGER_DSN, schema: {place.schema}}}",
    )
    text = PROJECT.format(ledger=sqlite if place.dialect == "sqlite" else postgres, url=server.url)
    (project / "startrail.yml").write_text(text)


def alerts(project: Path, death: Death, *arguments: str) -> Ended:
    with process(command_line, death, ("alerts", *arguments, "-C", str(project), "--now", AT)) as child:
        return child.ended()


def happens(place: Place, *changes: Change) -> None:
    told = [IncidentChange("i1", "k", change, "error", "orders are late", NOW) for change in changes]
    place.open().append((), run=None, at=NOW, outbox=rows_of(told, ROUTES, NOW, source="shop"))


@pytest.mark.parametrize("nth", [1, 2, 4])
@pytest.mark.parametrize("point", ALERT_POINTS[1:])
def test_killed_while_sending_and_sent_again_nothing_is_lost_or_counted_twice(
    project: Path, place: Place, point: str, nth: int, request: pytest.FixtureRequest
):
    with AlertServer() as server:
        declare(project, place, server)
        happens(place, "opened", "resolved")
        killed = alerts(project, Death(point, nth), "send")
        assert killed.code == -signal.SIGKILL, killed.errors
        resumed = alerts(project, LIVES, "send")
        assert resumed.code == 0, resumed.errors
        ids = [each.headers["Startrail-Id"] for each in server.taken if each.path == "/hook"]
        actions = {each.headers["Startrail-Id"]: each.json["action"] for each in server.taken if each.path == "/hook"}
        assert list(actions.values()) == ["trigger", "resolve"]
        assert (server.pages, server.open) == (["k"], {})
        again = len(server.taken) - 4
        assert again <= (2 if point == "alert sent" else 1)
        assert len(ids) - len(set(ids)) <= 1
    ledger = place.open()
    assert (len(ledger.outbox("waiting")), sum(1 for _ in ledger.facts(kind="alert.sent"))) == (0, 4)
    record(request, f"alerts on {place.dialect}", kills=1, lost=0, counted_twice=0, sent_again=again)


def test_killed_while_writing_there_is_neither_alert_nor_anything_else(project: Path, place: Place):
    with AlertServer() as server:
        declare(project, place, server)
        killed = alerts(project, Death("alerts written"), "change", "deployed")
        assert killed.code == -signal.SIGKILL, killed.errors
        assert place.open().outbox("newest") == []
        assert alerts(project, LIVES, "change", "deployed").code == 0
        assert len(server.changes) == 1
