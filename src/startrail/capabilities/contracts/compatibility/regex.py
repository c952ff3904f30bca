"""Regular expressions as sets of texts: which match, whether one set lies within another, whether two meet.

The subset of ECMA 262 that describes regular sets; anything else (lookaround, back references, word boundaries,
Unicode properties) is not decided. Matching takes time linear in the text, whatever the expression, and a
comparison is bounded by a number of states: a malicious expression costs no more than a long one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from startrail.base.automaton import LAST, Nfa, Unsupported, parse
from startrail.capabilities.contracts.compatibility.work import Work

_STATES = 2_000
States = frozenset[int]


def matches(pattern: str, text: str, work: Work) -> bool | None:
    """True when the expression is found anywhere in the text; None when it is not of the subset."""
    nfa = _compiled(pattern)
    if nfa is None:
        return None
    states = nfa.begin()
    for letter in text:
        work.spend(len(states) // 4 + 1)
        states = nfa.step(states, ord(letter))
    return nfa.accepts(states)


def within(one: str, other: str, work: Work) -> bool | None:
    """True when every text that ``one`` is found in is one that ``other`` is found in; None when not decided."""
    if one == other:
        return True
    pairs = _reachable(one, other, work)
    return None if pairs is None else not any(a and not b for a, b in pairs)


def apart(one: str, other: str, work: Work) -> bool | None:
    """True when no text has both; None when not decided."""
    pairs = _reachable(one, other, work)
    return None if pairs is None else not any(a and b for a, b in pairs)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Nfa | None:
    try:
        return parse(pattern)
    except Unsupported:
        return None


def _reachable(one: str, other: str, work: Work) -> Iterator[tuple[bool, bool]] | None:
    """What each of the two says about some text, for every combination that there is."""
    left, right = _compiled(one), _compiled(other)
    if left is None or right is None:
        return None
    letters = _representatives(left, right)
    first = (left.begin(), right.begin())
    seen: set[tuple[States, States]] = {first}
    front = [first]
    while front:
        a, b = front.pop()
        for letter in letters:
            work.spend(1 + (len(a) + len(b)) // 4)
            following = (left.step(a, letter), right.step(b, letter))
            if following not in seen:
                if len(seen) >= _STATES:
                    return None
                seen.add(following)
                front.append(following)
    return iter([(left.accepts(a), right.accepts(b)) for a, b in seen])


def _representatives(left: Nfa, right: Nfa) -> list[int]:
    """One letter of each class of letters that neither expression tells apart."""
    edges = {0} | {edge for nfa in (left, right) for low, high in nfa.ranges() for edge in (low, high + 1)}
    return sorted(edge for edge in edges if edge <= LAST)
