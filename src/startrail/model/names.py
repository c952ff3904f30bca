"""Which declared field a name in the data means: its own name, an alias, or the same in other letter case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from startrail.model.contract import Contract

_WORDS = re.compile(r"[a-z]+|[0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ALIKE = 0.7


class Names:
    """The names that a contract declares for its top level."""

    def __init__(self, contract: Contract) -> None:
        self._declared = frozenset(field.name for field in contract.fields)
        self._aliases = {alias: field.name for field in contract.fields for alias in field.aliases if alias not in self._declared}
        folded = Counter(name.lower() for name in self._declared)
        self._folded = {name.lower(): name for name in self._declared if folded[name.lower()] == 1}

    def promises(self, name: str) -> bool:
        """Whether the contract itself says this name."""
        return name in self._declared or name in self._aliases

    def may_mean(self, name: str) -> bool:
        """Whether the name could stand for a declared field."""
        return self.promises(name) or name.lower() in self._folded

    def meant(self, names: Collection[str]) -> dict[str, str]:
        """Names that stand for a declared field under another name: found name -> declared name.

        Nothing is guessed: the declared name must be absent, and only one found name may claim it.
        """
        found = {}
        for name in names:
            if name not in self._declared:
                field = self._aliases.get(name) or self._folded.get(name.lower())
                if field is not None and field not in names:
                    found[name] = field
        claimed = Counter(found.values())
        return {name: field for name, field in found.items() if claimed[field] == 1}


def alike(name: str, others: Iterable[str]) -> str | None:
    """Of ``others``, the name most like this one, if any is: ``quantity`` for ``qty``, ``unitPrice`` for ``unit_price``."""
    best = max(((_likeness(name, other), other) for other in others), default=(0.0, ""))
    return best[1] if best[0] >= _ALIKE else None


def _likeness(one: str, other: str) -> float:
    import difflib  # only when a field is missing

    first, second = _words(one), _words(other)
    if set(first) & set(second) and (set(first) <= set(second) or set(second) <= set(first)):
        return 0.9
    a, b = "".join(first), "".join(second)
    if _shortened(a, b) or _shortened(b, a):
        return 0.8
    return difflib.SequenceMatcher(None, a, b).ratio()


def _words(name: str) -> list[str]:
    return _WORDS.findall(_CAMEL.sub("_", name).lower())


def _shortened(short: str, long: str) -> bool:
    """``qty`` for ``quantity``: the same first letter, and all letters in their order."""
    if len(short) < 3 or not long.startswith(short[:1]):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)
