"""The policy: what is to be done about each kind of drift, and about a delivery that shows several."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

import msgspec

from startrail.base.units import parse_share
from startrail.model.drift import VERBS, DriftKind, DriftPolicy, DriftPreset, DriftVerb, Finding, Reaction
from startrail.ports.loader import Drift

Action = Literal["load", "hold", "stop"]
Acknowledged = frozenset[tuple[DriftKind, str]]
"""(kind, path) of drift that a person has acknowledged, for as long as that holds."""

ROWS: tuple[DriftKind, ...] = (
    "null_in_required", "wrong_type", "inexact", "wrong_format", "date_order", "unknown_value", "out_of_range",
    "wrong_length", "pattern_mismatch", "undeclared_field", "duplicate_key", "malformed",
)  # fmt: skip
"""Kinds of single rows."""
_DATES_TURNED = Reaction("quarantine", "10%")
"""Where some dates fit only the other way round, those that fit both ways are wrong as well."""


def _table(verb: DriftVerb, **others: DriftVerb | Reaction) -> dict[DriftKind, Reaction]:
    """``verb`` for every kind that can have it, else the mildest it can; ``others`` by kind."""
    plain = {kind: Reaction(verb if verb in verbs else verbs[0]) for kind, verbs in VERBS.items()}
    given = {kind: verb if isinstance(verb, Reaction) else Reaction(verb) for kind, verb in others.items()}
    return plain | given  # type: ignore[operator]


PRESETS: dict[DriftPreset, dict[DriftKind, Reaction]] = {
    "keep-going": _table(
        "hold",
        **(dict.fromkeys(ROWS, Reaction("quarantine")) | {"date_order": _DATES_TURNED}),
        **dict.fromkeys(("missing_optional", "defaulted", "new_value", "case_change", "widened"), Reaction("accept")),
        new_field="keep",
    ),
    "strict": _table("hold", missing_optional="accept", defaulted="accept", new_value="accept"),
    "mirror": _table(
        "accept",
        wrong_type="keep", inexact="keep", wrong_format="keep", date_order=_DATES_TURNED,
        decimal_comma="hold", unit_shift="accept", column_order="hold",
    ),
    "observe": _table(
        "accept",
        **(dict.fromkeys(ROWS, Reaction("quarantine"))),
        new_field="keep",
    ),
}  # fmt: skip
"""The reaction of each preset to each kind. See ``docs/how-to/contracts.md``."""


class Verdict(msgspec.Struct, frozen=True):
    """``action`` for the delivery, ``findings`` the most severe first, ``reason`` why it is not loaded."""

    action: Action
    findings: tuple[Finding, ...] = ()
    reason: str | None = None


def reaction(policy: DriftPolicy, kind: DriftKind) -> Reaction:
    """What the source wants done about this kind."""
    given = getattr(policy, kind)
    if given is None:
        return PRESETS[policy.preset][kind]
    return given if isinstance(given, Reaction) else Reaction(given)


def verb_for(policy: DriftPolicy, kind: DriftKind, share: Fraction) -> DriftVerb:
    """The verb for a drift that this share of the rows shows."""
    wanted = reaction(policy, kind)
    if wanted.hold_above is not None and wanted.do != "stop" and share > parse_share(wanted.hold_above):
        return "hold"
    return wanted.do


def kinds_with(policy: DriftPolicy, *verbs: DriftVerb) -> frozenset[DriftKind]:
    """The kinds whose reaction, below any threshold, is one of these verbs."""
    return frozenset(kind for kind in VERBS if reaction(policy, kind).do in verbs)


def may_load(policy: DriftPolicy, kind: DriftKind) -> DriftVerb | None:
    """What an acknowledged drift of this kind gets where the policy holds the delivery; None: it can never be let in."""
    wanted = reaction(policy, kind).do
    if wanted not in ("hold", "stop"):
        return wanted  # the whole was held for its share only
    if "accept" not in VERBS[kind]:
        return None
    return "keep" if kind in ("new_field", "undeclared_field") else "accept"


def lets_in(policy: DriftPolicy, kind: DriftKind) -> bool:
    """True when acknowledging this kind changes what becomes of a delivery under this policy."""
    wanted = reaction(policy, kind)
    return may_load(policy, kind) is not None and (wanted.do == "hold" or wanted.hold_above is not None)


def waved(acknowledged: Acknowledged) -> Acknowledged:
    """Those of single values, which the judge lets in."""
    return frozenset((kind, path) for kind, path in acknowledged if kind in ROWS and "accept" in VERBS[kind])


def verdict(drifts: Iterable[Drift], rows_in: int, policy: DriftPolicy, acknowledged: Acknowledged = frozenset()) -> Verdict:
    """What becomes of a delivery in which these departures were seen."""
    findings = tuple(sorted((_finding(drift, rows_in, policy, acknowledged) for drift in drifts), key=_severity))
    for action in ("stop", "hold"):
        because = [finding for finding in findings if finding.verb == action]
        if because:
            return Verdict(action, findings, "; ".join(map(describe, because[:3])))
    return Verdict("load", findings)


def describe(finding: Finding) -> str:
    """``wrong_type at $.amount in 6 rows, such as "x"``."""
    if finding.path == "$" and finding.kind not in ROWS:
        return f"{finding.kind}: {finding.sample}"
    rows = f" in {finding.rows} row{'' if finding.rows == 1 else 's'}" if finding.rows else ""
    such = f", such as {finding.sample}" if finding.sample else ""
    return f"{finding.kind} at {finding.path}{rows}{such}"


def _finding(drift: Drift, rows_in: int, policy: DriftPolicy, acknowledged: Acknowledged) -> Finding:
    share = Fraction(min(drift.rows, rows_in), rows_in) if rows_in else Fraction(1)
    verb = verb_for(policy, drift.kind, share)
    if drift.whole and verb in ("keep", "quarantine"):
        verb = "accept" if policy.preset == "observe" and getattr(policy, drift.kind) is None else "hold"
    if verb == "hold" and (drift.kind, drift.path) in acknowledged:
        verb = "accept" if drift.whole else may_load(policy, drift.kind) or verb
    return Finding(drift.kind, drift.path, drift.rows, float(share), verb, drift.sample)


def _severity(finding: Finding) -> tuple[int, int, str]:
    return (-("accept", "keep", "quarantine", "hold", "stop").index(finding.verb), -finding.rows, finding.path)
