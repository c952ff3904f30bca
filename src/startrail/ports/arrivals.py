"""What the ledger remembers of names at sources: which were expected, came and went. A part of the port ``ledger``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from startrail.model.expect import Arrival, LandedName
from startrail.model.listing import NameChanges, RememberedName, Superseded
from startrail.model.run import Lease, NewFact


class Arrivals(Protocol):
    """Each method is one transaction."""

    def expecting(self) -> dict[str, dict[str, datetime]]:
        """Of every source: what is expected, and since when."""
        ...

    def expect(self, wanted: Mapping[str, Collection[str]], at: datetime) -> None:
        """From now on this is expected of each source, and nothing else. What was expected before stays since then."""
        ...

    def arrivals(self, source: str, since: datetime) -> list[Arrival]:
        """What became of the instants of a source from ``since`` on, in their order."""
        ...

    def missing(self) -> list[Arrival]:
        """Of all sources, in order of source and instant."""
        ...

    def record_arrivals(self, found: Sequence[tuple[Arrival, NewFact]], *, run: str | None, at: datetime) -> list[Arrival]:
        """Remember each with its fact, unless it is remembered so already; returns those that are news. What has arrived
        stays arrived, whatever is told later."""
        ...

    def landed_names(self, source: str, prefix: str, after: datetime) -> list[LandedName]:
        """Names that begin like this and landed, last, after an instant; in order of names."""
        ...

    def compare_names(
        self,
        source: str,
        compare: Callable[[list[RememberedName]], tuple[NameChanges, Sequence[NewFact]]],
        lease: Lease,
        *,
        whole: bool,
        run: str,
        at: datetime,
    ) -> NameChanges:
        """Remember what ``compare`` makes of all names of the source, with its facts, in one transaction; so each change is
        told once, whenever a run is killed. ``whole``: the source was listed to its end."""
        ...

    def superseded(self, source: str) -> list[Superseded]:
        """Deliveries of files that have other bytes now, and that no other name stands for; those that are loaded or wait,
        in order of landing."""
        ...

    def returned(self, source: str) -> list[str]:
        """Ids of deliveries that were taken out for a new version, and that a name stands for again."""
        ...

    def looked(self, source: str) -> datetime | None:
        """When the source was last listed to its end."""
        ...
