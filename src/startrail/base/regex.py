"""Regular expressions of contracts: RE2's language without what cannot be matched in linear time everywhere.

An engine matches them with RE2; here they are matched by an automaton that remembers its steps, so that no
expression and no text can make a match explode. Both give the same answer.
"""

from __future__ import annotations

from functools import lru_cache

from startrail.base.automaton import Nfa, Unsupported, parse

CERTAIN = 1_024
"""Characters of a text that are always searched to the end, whatever the expression."""
_MOST_VISITS = 4_100_000
"""Of states while looking at one text: enough for :data:`CERTAIN` characters of any expression that is read."""
_MOST_REMEMBERED = 20_000


class Expression:
    """Raises ValueError with a sentence for what is not of the subset."""

    def __init__(self, pattern: str) -> None:
        try:
            self._nfa: Nfa = parse(pattern, "re2")
        except Unsupported as problem:
            raise ValueError(f"not a regular expression of the subset that is matched in linear time: {problem}") from None
        self._first = self._nfa.begin()
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._ends: dict[frozenset[int], bool] = {}

    def found_in(self, text: str) -> bool | None:
        """Whether a match begins anywhere in the text; None when a long text took too much to tell."""
        states, goal = self._first, self._nfa.goal
        known, left = self._known, _MOST_VISITS
        for letter in text:
            if goal in states:
                return True
            following = known.get((states, letter))
            if following is None:
                left -= len(states)
                if left < 0:
                    return None
                following = self._nfa.step(states, ord(letter))
                if len(known) >= _MOST_REMEMBERED:
                    known.clear()
                known[states, letter] = following
            states = following
        found = self._ends.get(states)
        if found is None:
            if len(self._ends) >= _MOST_REMEMBERED:
                self._ends.clear()
            found = self._ends[states] = self._nfa.accepts(states)
        return found


@lru_cache(maxsize=512)
def expression(pattern: str) -> Expression:
    """The compiled expression, kept for the next time. Raises ValueError."""
    return Expression(pattern)
