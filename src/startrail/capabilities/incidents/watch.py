"""Read the facts that have come, and record what they mean, in one transaction: killed anywhere, it is as if once.

Two watchers may look at the same facts; only one of them records, and the other looks again and finds nothing left.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from startrail.capabilities.incidents.errors import IncidentsBusy
from startrail.capabilities.incidents.flap import WINDOW as FLAP_WINDOW
from startrail.capabilities.incidents.tell import Tell, nobody
from startrail.flow.events import RunEnded, RunStarted
from startrail.ledger.incidents import to_fact
from startrail.model.incident import Acted, Change, Incident
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

if TYPE_CHECKING:
    from startrail.capabilities.incidents.judge import Judgement
    from startrail.capabilities.incidents.surroundings import Surroundings

PAGE = 5000
"""Facts that are judged together."""
QUIET = frozenset((RunStarted.fact, RunEnded.fact))
"""Facts of a run that had nothing to do: while no incident stands, they mean nothing."""
_TRIES = 50


def watch(
    ledger: Ledger, surroundings: Surroundings, now: datetime, *, run: str | None = None, tell: Tell = nobody
) -> list[tuple[Incident, Change]]:
    """All changes that follow from the facts since the last time, each with the incident as it stands after all of them.

    What ``tell`` makes of them goes into the outbox in the same transaction."""
    told: list[tuple[Incident, Change]] = []
    for _ in range(_TRIES):
        mark = ledger.incident_mark()
        facts = list(ledger.facts(after=mark.after, limit=PAGE))
        incidents = ledger.standing_incidents(now - FLAP_WINDOW)
        if not incidents and all(fact.kind in QUIET for fact in facts):
            read = not facts or ledger.record_incidents(mark, facts[-1].seq, (), run=run, at=now)
            if read and len(facts) < PAGE:
                return told
            continue
        judgement = _judged(ledger, facts, incidents, surroundings, now)
        if not facts and not judgement.changes:
            return told
        new = [to_fact(id_, change) for id_, change in judgement.changes]
        after = facts[-1].seq if facts else mark.after
        changes = [(judgement.book[id_], change) for id_, change in judgement.changes]
        if ledger.record_incidents(mark, after, new, run=run, at=now, outbox=tell(changes)):
            told += changes
            if len(facts) < PAGE:
                return told
    raise IncidentsBusy(
        "other processes keep recording incidents, and this one could not read the newest facts",
        affects="no facts; the next run reads them",
        hint="run again: startrail run",
    )


def _judged(ledger: Ledger, facts: list[Fact], incidents: list[Incident], surroundings: Surroundings, now: datetime) -> Judgement:
    from startrail.capabilities.incidents.judge import judge  # a run in which nothing happened needs none of it
    from startrail.flow.drift import acknowledgements

    def acts() -> Iterable[Fact]:
        return ledger.facts(kind=Acted.fact)

    def known() -> frozenset[str]:
        return frozenset(f"drift {ack.source} {ack.kind} {ack.path}" for ack in acknowledgements(ledger) if ack.active(now))

    return judge(facts, incidents, surroundings, now, acts, known)
