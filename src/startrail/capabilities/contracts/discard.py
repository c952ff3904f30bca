"""Discarding: a person decides that quarantined rows will never be loaded. A fact; no byte is deleted."""

from __future__ import annotations

from collections.abc import Sequence

from startrail.capabilities.contracts.errors import NoPerson, NotQuarantined
from startrail.capabilities.contracts.quarantine import Standing, discarded, one, standings
from startrail.flow.events import Discarded, Emit
from startrail.flow.lease import holding
from startrail.flow.session import Ports, to_facts
from startrail.model.project import Project
from startrail.ports.quarantine import QuarantineFiles


def discard(
    project: Project,
    ports: Ports,
    files: QuarantineFiles,
    show: Emit,
    *,
    delivery: str,
    ordinals: Sequence[int],
    reason: str,
    by: str,
    wait: float = 600.0,
) -> Discarded:
    """Discard these rows of the delivery, or all that it has in the quarantine when none are named.

    Raises UnknownDelivery (ST380), NotQuarantined (ST381), NoPerson (ST382), RunnerBusy.
    """
    if not reason.strip() or not by.strip():
        raise NoPerson("discarding rows needs a person and a reason", hint="give --reason TEXT and --by NAME")
    with holding(ports.ledger, ports.wall, show, wait):  # no replay may load meanwhile what is being discarded
        standing = one(standings(project, ports.ledger), delivery)
        event = _event(standing, ordinals, files, reason.strip(), by.strip())
        ports.ledger.append(to_facts(event), run=None, at=ports.clock.now())
    show(event)
    return event


def _event(standing: Standing, ordinals: Sequence[int], files: QuarantineFiles, reason: str, by: str) -> Discarded:
    id, key = standing.delivery.id, standing.quarantine
    if standing.held is not None:
        raise NotQuarantined(
            f"delivery {id} is held as a whole: {standing.held}",
            hint="change the contract, the source's hold_above or the repairs, then: startrail quarantine replay",
        )
    there = frozenset() if key is None else frozenset(files.ordinals(key)) - discarded(standing, files)
    missing = sorted(set(ordinals) - there)
    if missing or not there or key is None:
        named = f"record {missing[0]} of delivery {id}" if missing else f"nothing of delivery {id}"
        is_not = "is not in the quarantine" if missing else "is in the quarantine any more"
        raise NotQuarantined(f"{named} {is_not}", hint=f"look: startrail quarantine show {id}")
    chosen = tuple(sorted(set(ordinals))) or None
    rows = len(there if chosen is None else chosen)
    source = standing.delivery.source
    return Discarded(
        subject=source, source=source, delivery=id, rows=rows, quarantine=key, ordinals=chosen, reason=reason, by=by
    )  # fmt: skip
