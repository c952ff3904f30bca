"""Files that are expected of a project's sources: told as facts when they are missing or there, and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from startrail.base.crash import crash_point
from startrail.flow.events import Emit
from startrail.flow.session import Ports, to_facts
from startrail.wiring import Opened

if TYPE_CHECKING:
    from startrail.capabilities.sources.arrivals import News
    from startrail.model.expect import Expected
    from startrail.model.source import Source


class ExpectedFiles:
    """Fulfils ``flow.capability.Watcher``. Stands first: what it tells is read by the watchers after it."""

    name = "watch over expected files"

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def after_run(self, ports: Ports, run: str | None, show: Emit) -> None:
        sources = [source for source in self._opened.project.sources.values() if source.expect]
        if not sources and not ports.ledger.expecting():
            return
        crash_point("before arrivals")
        self._declare(sources, ports, run, show)
        self._tell(sources, ports, run, show)
        crash_point("after arrivals")

    def _declare(self, sources: list[Source], ports: Ports, run: str | None, show: Emit) -> None:
        from startrail.capabilities.sources.arrivals import dropped, expecting

        declared, before = expecting(sources), ports.ledger.expecting()
        if {source: set(whats) for source, whats in before.items()} == declared:
            return
        now = ports.clock.now()
        self._record(dropped(ports.ledger.missing(), declared, now), ports, run, show)
        ports.ledger.expect(declared, now)

    def _tell(self, sources: list[Source], ports: Ports, run: str | None, show: Emit) -> None:
        from startrail.capabilities.sources.arrivals import news, open_instants
        from startrail.flow.pauses import paused

        now, since = ports.clock.now(), ports.ledger.expecting()
        pauses = paused(ports.ledger, now)
        for source in sources:
            found = open_instants(source, ports.ledger, since.get(source.name, {}), now)
            asked = ports.ledger.looked(source.name)
            self._record(news(found, paused=source.name in pauses, asked=asked, now=now), ports, run, show)

    def _record(self, found: list[News], ports: Ports, run: str | None, show: Emit) -> None:
        if not found:
            return
        pairs = [(each.arrival, *to_facts(each.event)) for each in found]
        new = ports.ledger.record_arrivals([(arrival, fact) for arrival, fact in pairs], run=run, at=ports.clock.now())
        for each in found:
            if each.arrival in new:
                show(each.event)


def expected(opened: Opened, source: Source) -> tuple[Expected, ...]:
    """What is missing of a source, and what is next; nothing that has arrived, unless nobody has looked since."""
    from startrail.capabilities.sources.arrivals import open_instants

    ledger, now = opened.ports.ledger, opened.ports.clock.now()
    since = ledger.expecting().get(source.name, {}) if source.expect else {}
    return tuple(open_instants(source, ledger, since, now)) if source.expect else ()


def lacking(opened: Opened) -> list[Expected]:
    """What has not landed although it was expected by now, of all sources that are not paused."""
    from startrail.flow.pauses import paused

    sources = [source for _, source in sorted(opened.project.sources.items()) if source.expect]
    pauses = paused(opened.ports.ledger, opened.ports.clock.now()) if sources else {}
    found = [each for source in sources if source.name not in pauses for each in expected(opened, source)]
    return [each for each in found if each.state in ("late", "missing")]


def told(each: Expected) -> str:
    """One line for people."""
    from startrail.base.text import printable

    due = f"{each.due:%Y-%m-%d %H:%M} UTC"
    count = f", {each.found} of {each.wanted} landed" if each.wanted > 1 else ""
    verb = "expects" if each.state == "due" else "got" if each.there else "lacks"
    grace = f", and has until {each.until:%H:%M}" if each.state == "late" else ""
    return f"{verb} {printable(each.file, 120)} by {due}{count}{grace}"
