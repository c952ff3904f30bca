"""A person pauses a source, within the bounds of the book, or takes the pause back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from startrail.base.text import did_you_mean, printable
from startrail.base.time import to_text
from startrail.capabilities.incidents.errors import BadPause, NotPaused, PauseRefused, UnknownPauseSource
from startrail.capabilities.incidents.mitigations import refusal
from startrail.flow.events import MitigationRefused, SourcePaused, SourceResumed
from startrail.flow.pauses import Pause, paused
from startrail.flow.session import to_facts
from startrail.model.mitigation import Mitigation
from startrail.model.project import Project
from startrail.ports.ledger import Ledger

LONGEST = timedelta(days=31)
"""A source that is left out for longer is taken out of the project."""
_NAME = "pause_source"


def pause(
    project: Project, ledger: Ledger, book: Mapping[str, Mitigation], source: str, until: datetime, reason: str, by: str,
    now: datetime,
) -> Pause:  # fmt: skip
    """No run asks the source until then. Raises UnknownPauseSource, BadPause, PauseRefused; the last is a fact too."""
    _known(project, source)
    if not reason.strip():
        raise BadPause("a pause needs a reason", affects="nothing was changed", hint='--reason "the shop\'s server is down"')
    if not now < until <= now + LONGEST:
        raise BadPause(
            f"{until:%Y-%m-%d %H:%M} UTC is not within {LONGEST.days} days from now",
            affects="nothing was changed", hint="--for 2h, or --until with an instant that is still to come",
        )  # fmt: skip
    uses = [fact.at for fact in ledger.facts(kind=SourcePaused.fact, subject=source)]
    why = refusal(_NAME, book.get(_NAME), uses, now)
    if why is not None:
        refused = MitigationRefused(subject=source, mitigation=_NAME, reason=f"{source}: {why}", by=by)
        ledger.append(to_facts(refused), run=None, at=now)
        raise PauseRefused(
            f"'{source}' is not paused: {why}",
            affects=f"source '{source}'",
            hint="mend the source, or take it out of the project; the bounds stand in incidents/*.yml under mitigations:",
        )
    event = SourcePaused(subject=source, until=to_text(until), reason=printable(reason.strip(), 1000), by=printable(by, 200))
    ledger.append(to_facts(event), run=None, at=now)
    return Pause(source, until, event.reason, event.by, now)


def resume(project: Project, ledger: Ledger, source: str, reason: str, by: str, now: datetime) -> None:
    """The next run asks the source again. Raises UnknownPauseSource, NotPaused."""
    _known(project, source)
    if source not in paused(ledger, now):
        raise NotPaused(f"'{source}' is not paused", affects="nothing was changed", hint="startrail status shows what is paused")
    event = SourceResumed(subject=source, by=printable(by, 200), reason=printable(reason.strip(), 1000))
    ledger.append(to_facts(event), run=None, at=now)


def _known(project: Project, source: str) -> None:
    if source not in project.sources:
        hint = did_you_mean(source, project.sources, "the sources stand in sources/")
        raise UnknownPauseSource(f"there is no source '{printable(source, 100)}'", affects="nothing was changed", hint=hint)
