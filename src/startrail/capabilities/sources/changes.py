"""What a whole listing shows beside what is remembered: files that were renamed, replaced and deleted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from startrail.flow.events import Event, SourceDeleted, SourceRenamed, SourceReplaced
from startrail.model.listing import NameChanges, RememberedName, Renamed, Replaced

MOST_TOLD = 20
"""Names in one fact; the others are counted."""


def compare(remembered: Iterable[RememberedName], listed: Collection[str] | None) -> NameChanges:
    """``listed``: every name that is there now; None when that is not known, and then nothing is gone.

    A name that is new since the last comparison, with the bytes of one that is gone since then, is that file renamed. Each
    gone name counts once, whatever has its bytes.
    """
    remembered = list(remembered)
    gone = [] if listed is None else [each for each in remembered if not each.gone and each.name not in listed]
    back = () if listed is None else tuple(each.name for each in remembered if each.gone and each.name in listed)
    fresh = [each for each in remembered if each.told is None and each.delivery is not None]
    renamed = tuple(_renamed(gone, fresh))
    old = {each.old for each in renamed}
    return NameChanges(
        renamed=renamed,
        replaced=tuple(
            Replaced(each.name, each.told, each.delivery)
            for each in remembered
            if each.told is not None and each.delivery is not None and each.told != each.delivery
        ),
        deleted=tuple(each.name for each in gone if each.name not in old),
        gone=tuple(each.name for each in gone),
        back=back,
        settled=tuple(each.name for each in remembered if each.delivery != each.told),
    )


def _renamed(gone: list[RememberedName], fresh: list[RememberedName]) -> Iterable[Renamed]:
    of_delivery: dict[str, list[str]] = {}
    for each in sorted(gone, key=lambda each: each.name, reverse=True):
        if each.delivery is not None:
            of_delivery.setdefault(each.delivery, []).append(each.name)
    lost = {each.name for each in gone}
    for each in sorted(fresh, key=lambda each: each.name):
        names = of_delivery.get(each.delivery or "")
        if names and each.name not in lost:
            yield Renamed(names.pop(), each.name)


def events(source: str, changes: NameChanges) -> list[Event]:
    """One fact per kind of change, however many names it is about."""
    found: list[Event] = []
    if changes.renamed:
        found.append(SourceRenamed(subject=source, count=len(changes.renamed), files=changes.renamed[:MOST_TOLD]))
    if changes.replaced:
        found.append(SourceReplaced(subject=source, count=len(changes.replaced), files=changes.replaced[:MOST_TOLD]))
    if changes.deleted:
        found.append(SourceDeleted(subject=source, count=len(changes.deleted), names=changes.deleted[:MOST_TOLD]))
    return found
