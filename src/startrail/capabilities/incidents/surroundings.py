"""What is made from what, and when it is due: asked only when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from startrail.capabilities.incidents.mitigations import BOOK
from startrail.model.delivery import Counts
from startrail.model.incident import Affected, Symptom
from startrail.model.mitigation import Mitigation


class Delivery(msgspec.Struct, frozen=True):
    """A report's newest delivery. ``fact``: seq of the fact that tells of it."""

    fact: int
    at: datetime
    minutes_early: int | None


class Standing(msgspec.Struct, frozen=True):
    """How a report stands on the day in question. ``delivered``: None while that day's has not been delivered."""

    report: str
    due: datetime | None
    delivered: Delivery | None = None

    @property
    def safe(self) -> bool:
        """True when nothing can make it late any more, and it is not late."""
        return self.due is None or (self.delivered is not None and (self.delivered.minutes_early or 0) >= 0)


@dataclass
class Surroundings:
    """The project as incidents need it. Each part is a function, because most runs show nothing wrong."""

    graph: Callable[[], Mapping[str, frozenset[str]]]
    """Every name with the names that it is made from."""
    kinds: Callable[[str], str]
    """``source``, ``model``, ``report`` or ``metric``."""
    report: Callable[[str], Standing]
    book: Mapping[str, Mitigation] = field(default_factory=lambda: BOOK)
    """The mitigations, as the project wants them."""
    paused: Callable[[], Mapping[str, datetime]] = dict
    """Sources that are paused, and until when."""
    counts: Callable[[str, str], Counts | None] = lambda _source, _delivery: None
    """What became of the rows of a source's delivery when it was last loaded or held; None: neither."""
    served: Callable[[str], bool] = lambda _: True
    """Whether there is published data of a source."""
    waiting: Callable[[str], frozenset[str]] = lambda _: frozenset()
    """Deliveries of a source with rows in quarantine that were neither replayed nor discarded."""
    shown_by: Callable[[Symptom], frozenset[str]] = lambda _: frozenset()
    """The deliveries that showed a symptom."""
    _graph: Mapping[str, frozenset[str]] | None = None
    _paused: Mapping[str, datetime] | None = None
    _standings: dict[str, Standing] = field(default_factory=dict)

    def made_from(self, name: str) -> list[Affected]:
        """All that is made, directly or not, from a source or model; in order of name."""
        if self._graph is None:
            self._graph = self.graph()
        children: dict[str, list[str]] = {}
        for child, parents in self._graph.items():
            for parent in parents:
                children.setdefault(parent, []).append(child)
        found, front = {name}, [name]
        while front:
            for child in children.get(front.pop(), ()):
                if child not in found:
                    found.add(child)
                    front.append(child)
        return [self.affected(each) for each in sorted(found - {name})]

    def ancestors(self, name: str) -> frozenset[str]:
        """All that something is made from, directly or not."""
        if self._graph is None:
            self._graph = self.graph()
        found: set[str] = set()
        front = [name]
        while front:
            more = self._graph.get(front.pop(), frozenset()) - found
            found |= more
            front += more
        return frozenset(found)

    def is_paused(self, name: str) -> bool:
        """Whether it is a source that no run asks now."""
        if self._paused is None:
            self._paused = self.paused()
        return name in self._paused

    def rows_wait(self, symptom: Symptom) -> bool:
        """Whether rows that a symptom had set aside wait for a person."""
        waiting = self.waiting(symptom.subject)
        return bool(waiting) and bool(waiting & (self.shown_by(symptom) or {symptom.delivery}))

    def affected(self, name: str) -> Affected:
        """It, with the instant at which it is due."""
        kind = self.kinds(name)
        return Affected(name, kind, self.standing(name).due if kind == "report" else None)  # pyrefly: ignore  (the graph names a kind as text)

    def standing(self, report: str) -> Standing:
        """How a report stands now."""
        if report not in self._standings:
            self._standings[report] = self.report(report)
        return self._standings[report]
