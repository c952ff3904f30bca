"""What is made from what, and when it is due: asked only when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from startrail.model.incident import Affected


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
    _graph: Mapping[str, frozenset[str]] | None = None
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

    def affected(self, name: str) -> Affected:
        """It, with the instant at which it is due."""
        kind = self.kinds(name)
        return Affected(name, kind, self.standing(name).due if kind == "report" else None)  # pyrefly: ignore

    def standing(self, report: str) -> Standing:
        """How a report stands now."""
        if report not in self._standings:
            self._standings[report] = self.report(report)
        return self._standings[report]
