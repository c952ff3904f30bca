"""The bank: each incident that is over as a story told from facts, and the stories that people keep, as theirs.

Closed decisions join it once there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from startrail.base.text import printable
from startrail.capabilities.incidents import deadlines_met
from startrail.capabilities.incidents.star import Readers, star, times_of, told_of
from startrail.capabilities.incidents.star_text import parts
from startrail.capabilities.incidents.stories.errors import UnknownStory
from startrail.capabilities.incidents.stories.principles import Evidence, tags
from startrail.capabilities.incidents.times import Times
from startrail.flow.events import StoryKept
from startrail.model.incident import Incident
from startrail.model.star import Star
from startrail.model.step import Fact
from startrail.model.story import PARTS, Story, Tag, Written
from startrail.ports.ledger import Ledger

_ALL = 1_000_000
_MEASURED = ("detect", "resolve")
"""Times that every closed incident's result must tell."""


def bank(ledger: Ledger, readers: Readers = lambda _: ()) -> Iterator[Story]:
    """All stories: those of incidents, the last that ended first; then people's own, in order of keeping."""
    over = [each for each in ledger.incidents(limit=_ALL) if each.state == "resolved"]
    for incident in sorted(over, key=lambda each: (each.resolved_at or each.changed_at, each.id), reverse=True):
        yield of_incident(incident, ledger, readers)
    yield from kept(ledger).values()


def kept(ledger: Ledger) -> dict[str, Story]:
    """People's own stories by id, each as it was kept last."""
    return {fact.subject: _own(fact) for fact in ledger.facts(kind=StoryKept.fact)}


class _Kept(msgspec.Struct):
    by: str
    title: str
    situation: str = ""
    task: str = ""
    action: str = ""
    result: str = ""
    principles: tuple[str, ...] = ()
    about: str = ""


def _own(fact: Fact) -> Story:
    told = msgspec.json.decode(fact.payload, type=_Kept)
    written = Written(told.title, told.situation, told.task, told.action, told.result, told.principles, told.about)
    tagged = tuple(Tag(name, told.by, f"{told.by} said so", (fact.seq,)) for name in told.principles)
    return Story(id=fact.subject, origin="person", at=fact.at, written=written, by=told.by, tags=tagged)


def of_incident(incident: Incident, ledger: Ledger, readers: Readers = lambda _: ()) -> Story:
    """The story of an incident that is over."""
    report = star(incident, ledger, readers)
    phases, due = times_of(incident, ledger), deadlines_met.outcomes(incident, ledger)
    tagged = tags(Evidence(told_of(incident, ledger), phases, due))
    written = Written(
        title=printable(f"Incident {incident.id}: {incident.title}", 400), **parts(report),
        principles=tuple(tag.principle for tag in tagged), about="\n".join(_reasons(tagged)),
    )  # fmt: skip
    return Story(
        id=incident.id, origin="incident", at=incident.resolved_at or incident.changed_at, written=written, tags=tagged,
        unmeasured=tuple(_unmeasured(report, phases, due)),
    )  # fmt: skip


def _reasons(tagged: Iterable[Tag]) -> Iterator[str]:
    from startrail.capabilities.incidents.star_text import escaped

    for tag in tagged:
        facts = ", ".join(str(seq) for seq in tag.facts)
        yield f"- {tag.principle}: {escaped(tag.why)} ({'rule' if tag.by == 'rule' else 'a person'}; facts {facts})"


def _unmeasured(report: Star, phases: Times, due: Iterable[deadlines_met.Outcome]) -> Iterator[str]:
    for phase in _MEASURED:
        if phases.took(phase) is None:
            yield f"time to {phase}"
    for each in due:
        if each.early is None:
            yield f"whether report {each.report} met its deadline"
    for entry in report.result:
        if "rows" in entry.figures and entry.figures["rows"].value is None:
            yield "what became of the rows"


def find(stories: Iterable[Story], id: str) -> Story:
    """By its id or the beginning of it. Raises UnknownStory."""
    stories = list(stories)
    exact = [each for each in stories if each.id == id]
    found = exact or [each for each in stories if id and each.id.startswith(id)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} stories have an id that begins with" if found else "there is no story"
    raise UnknownStory(f"{what} '{printable(id, 60)}'", affects="nothing was changed", hint="startrail stories shows them all")


def matching(stories: Iterable[Story], principles: frozenset[str], words: Iterable[str]) -> Iterator[Story]:
    """Those that show one of the principles, if any are asked for, and hold all the words, in any letters' case."""
    wanted = [word.casefold() for text in words for word in text.split()]
    for story in stories:
        if principles and not principles & {tag.principle for tag in story.tags}:
            continue
        written = story.written
        text = "\n".join((story.id, story.by or "", written.title, written.about, *map(written.part, PARTS), *written.principles))
        if all(word in text.replace("\\", "").casefold() for word in wanted):
            yield story
