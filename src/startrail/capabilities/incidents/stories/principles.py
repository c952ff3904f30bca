"""Which leadership principles a closed incident is an example of: people say so, or a rule of this table, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from startrail.base.text import did_you_mean, printable
from startrail.capabilities.incidents.deadlines_met import Outcome
from startrail.capabilities.incidents.spans import span
from startrail.capabilities.incidents.stories.errors import UnknownPrinciple
from startrail.capabilities.incidents.times import Times
from startrail.model import incident as i
from startrail.model.incident import Change
from startrail.model.step import Fact
from startrail.model.story import PRINCIPLES, RULE, Tag

QUICK = timedelta(minutes=15)
"""Within this time of first sight something was done: a bias for action."""
NOTES = 2
"""So many notes before the end show that somebody looked into it."""


class Evidence(NamedTuple):
    """What the rules look at."""

    told: Sequence[tuple[Fact, Change]]
    times: Times
    outcomes: Sequence[Outcome]


class Rule(NamedTuple):
    """``sees`` says why, and from which facts; None when the rule does not hold."""

    principle: str
    when: str
    sees: Callable[[Evidence], tuple[str, tuple[int, ...]] | None]


def principle(text: str) -> str:
    """One of :data:`PRINCIPLES`, however it is spelt. Raises UnknownPrinciple."""
    name = " ".join(text.replace("-", " ").replace("_", " ").lower().split())
    if name not in PRINCIPLES:
        hint = did_you_mean(name, PRINCIPLES)
        raise UnknownPrinciple(f"'{printable(text, 60)}' is no principle", affects="nothing was changed", hint=hint)
    return name


def tags(evidence: Evidence) -> tuple[Tag, ...]:
    """People's first; each principle once."""
    found = [*_peoples(evidence.told), *_by_rule(evidence)]
    return tuple({tag.principle: tag for tag in reversed(found)}[name] for name in dict.fromkeys(tag.principle for tag in found))


def _peoples(told: Iterable[tuple[Fact, Change]]) -> Iterable[Tag]:
    for fact, change in told:
        if isinstance(change, i.Noted | i.Resolved):
            for name in change.principles:
                yield Tag(name, change.by, f"{change.by} said so", (fact.seq,))


def _by_rule(evidence: Evidence) -> Iterable[Tag]:
    for rule in RULES:
        found = rule.sees(evidence)
        if found is not None:
            yield Tag(rule.principle, RULE, *found)


def _owned(evidence: Evidence) -> tuple[str, tuple[int, ...]] | None:
    taken = {change.by: fact.seq for fact, change in reversed(evidence.told) if isinstance(change, i.Acknowledged)}
    for fact, change in evidence.told:
        if isinstance(change, i.Resolved) and change.by in taken:
            return f"{change.by} took it in hand and saw it to its end", (taken[change.by], fact.seq)
    return None


def _dived(evidence: Evidence) -> tuple[str, tuple[int, ...]] | None:
    end = max((fact.seq for fact, change in evidence.told if isinstance(change, i.Resolved)), default=0)
    notes = tuple(fact.seq for fact, change in evidence.told if isinstance(change, i.Noted) and fact.seq < end)
    return (f"{len(notes)} notes were written before it was over", notes) if len(notes) >= NOTES else None


def _quick(evidence: Evidence) -> tuple[str, tuple[int, ...]] | None:
    for phase, what in (("acknowledge", "taken in hand"), ("mitigate", "mitigated")):
        took, then = evidence.times.took(phase), evidence.times.moments.get(phase)
        if took is not None and took <= QUICK and then is not None and evidence.times.seen is not None:
            return f"{what} {span(took)} after it was first seen", (evidence.times.seen.seq, then.seq)
    return None


def _delivered(evidence: Evidence) -> tuple[str, tuple[int, ...]] | None:
    due = evidence.outcomes
    if due and all(each.early is not None and each.early >= 0 for each in due):
        names = ", ".join(each.report for each in due)
        return f"delivered before the deadline all the same: {names}", tuple(each.fact.seq for each in due if each.fact)
    return None


def _spared(evidence: Evidence) -> tuple[str, tuple[int, ...]] | None:
    held = tuple(f.seq for f, change in evidence.told if isinstance(change, i.Acted) and change.mitigation == "serve_last_good")
    return ("readers kept the last good data while it lasted", held) if held else None


RULES: tuple[Rule, ...] = (
    Rule("ownership", "the person who acknowledged it resolved it", _owned),
    Rule("dive deep", f"at least {NOTES} notes were written before its end", _dived),
    Rule("bias for action", f"acknowledged by a person or mitigated within {span(QUICK)} of first sight", _quick),
    Rule("deliver results", "every report that was due was delivered before its deadline", _delivered),
    Rule("customer obsession", "serve_last_good was applied", _spared),
)
"""One rule per principle; the how-to shows this table."""
