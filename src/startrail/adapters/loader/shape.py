"""The columns of a file that names them once: which are declared, which are new, which are not there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from startrail.adapters.loader.blocks import Unreadable
from startrail.base.text import printable
from startrail.model.contract import Contract
from startrail.model.names import Names
from startrail.ports.loader import Drift


class Shape(msgspec.Struct, frozen=True):
    """``names`` are the file's columns in its order, under the names that the contract gives them."""

    names: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Declared columns that are not there, and have no default."""
    absent: tuple[str, ...] = ()
    """Those that are not there, and have one."""
    changed: tuple[tuple[str, str], ...] = ()
    """(declared name, as the file writes it) where only the letter case differs."""
    widened: tuple[tuple[str, str], ...] = ()
    """(declared name, type in the file) where the file's type is not the declared one, yet every value that fits it
    is exact."""

    @staticmethod
    def of(given: Sequence[str], contract: Contract) -> Shape:
        """The shape of a file with these columns."""
        known = Names(contract)
        meant = known.meant(given)
        names = tuple(meant.get(name, name) for name in given)
        return Shape(
            names,
            tuple(name for name in names if contract.field(name) is None),
            tuple(field.name for field in contract.fields if field.name not in names and field.default is None),
            tuple(field.name for field in contract.fields if field.name not in names and field.default is not None),
            tuple((name, found) for found, name in meant.items() if not known.promises(found)),
        )

    def require(self, contract: Contract, what: str) -> None:
        """Raises Unreadable when a required column is missing."""
        must = {field.name for field in contract.fields if field.required or field.name in contract.primary_key}
        missing = [name for name in self.missing if name in must]
        if missing:
            drift = [Drift("missing_required", f"$.{name}", 0) for name in missing]
            drift += [Drift("new_field", f"$.{name}", 0) for name in self.unknown]
            reason = f"required columns are missing: {listed(missing)}; {what} has {listed(self.names)}"
            raise Unreadable(reason, drift=tuple(drift))

    def drift(self, rows: int) -> list[Drift]:
        """What departs from the contract, the required columns being there."""
        found = [Drift("missing_optional", f"$.{name}", rows) for name in self.missing]
        found += [Drift("case_change", f"$.{name}", rows, printable(given, 120)) for name, given in self.changed]
        return found + [Drift("widened", f"$.{name}", rows, kind) for name, kind in self.widened]


def listed(names: Sequence[str]) -> str:
    """At most ten names, safe to print."""
    shown = ", ".join(printable(name, 40) for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
