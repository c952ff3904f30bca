"""Discarding: a person decides that rows will not be loaded. A fact; no byte is deleted.

Quarantined rows are discarded one by one or all at once, and no load takes them in any more. A held delivery is discarded
as a whole: no run loads it by itself, but a replay that names it does.
"""

from __future__ import annotations

from collections.abc import Sequence

from startrail.capabilities.contracts.errors import NoPerson, NotQuarantined
from startrail.capabilities.contracts.quarantine.standing import Standing, discarded, one, standings
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
    """Discard these rows of the delivery; when none are named, all that it has in the quarantine, or all of a held one.

    Raises UnknownDelivery (ST380), NotQuarantined (ST381), NoPerson (ST382), RunnerBusy.
    """
    if not reason.strip() or not by.strip():
        raise NoPerson("discarding rows needs a person and a reason", hint="give --reason TEXT and --by NAME")
    with holding(ports.ledger, ports.wall, show, wait) as lease:  # no replay may load meanwhile what is being discarded
        standing = one(standings(project, ports.ledger), delivery)
        if standing.held is None:
            event = _event(standing, ordinals, files, reason.strip(), by.strip())
            ports.ledger.append(to_facts(event), run=None, at=ports.clock.now())
        else:
            event = _whole(standing, ordinals, reason.strip(), by.strip())
            ports.ledger.discard_delivery(event.delivery, ports.clock.now(), to_facts(event), lease)
    show(event)
    return event


def _event(standing: Standing, ordinals: Sequence[int], files: QuarantineFiles, reason: str, by: str) -> Discarded:
    id, key = standing.delivery.id, standing.quarantine
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


def _whole(standing: Standing, ordinals: Sequence[int], reason: str, by: str) -> Discarded:
    id, source = standing.delivery.id, standing.delivery.source
    if ordinals:
        raise NotQuarantined(
            f"delivery {id} is held as a whole, and its records cannot be discarded one by one",
            hint="leave --ordinals out to discard all of it; or have it loaded first: startrail quarantine replay",
        )
    if standing.state == "discarded":
        hint = f"startrail quarantine replay --delivery {id} takes it in"
        raise NotQuarantined(f"delivery {id} is discarded already", hint=hint)
    rows = standing.counts.held
    return Discarded(
        subject=source, source=source, delivery=id, rows=rows, quarantine=None, ordinals=None, reason=reason, by=by
    )  # fmt: skip
