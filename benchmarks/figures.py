"""What a benchmark found: one figure a line, each with its goal where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Figure(NamedTuple):
    """``goal``: the greatest value that is good enough; None = only told."""

    what: str
    value: float
    unit: str = "s CPU"
    goal: float | None = None

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.value > self.goal

    def cells(self) -> tuple[str, str, str, str]:
        goal = "" if self.goal is None else f"<= {self.goal:g}"
        verdict = "" if self.goal is None else "missed" if self.missed else "met"
        return self.what, f"{self.value:.4g} {self.unit}".strip(), goal, verdict


def table(figures: Iterable[Figure]) -> str:
    """The figures as one Markdown table, which is readable on a terminal too."""
    rows = [("figure", "value", "goal", ""), *(figure.cells() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
