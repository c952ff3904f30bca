"""Figures of the fault tests, gathered from all test processes and shown at the end."""

from __future__ import annotations

from collections import defaultdict

import pytest

_NAME = "faults"
Value = int | float | str


def record(request: pytest.FixtureRequest, group: str, **figures: Value) -> None:
    """Attach figures of one case to its report, which travels between test processes."""
    request.node.user_properties.append((_NAME, {"group": group, **figures}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per group: sums, and the greatest of figures named ``most_…``."""
    groups: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, values in report.user_properties:
                    if name == _NAME:
                        _add(groups, dict(values))
    if groups:
        terminalreporter.section("faults")
        for group, figures in sorted(groups.items()):
            told = ", ".join(f"{value:g} {name.replace('_', ' ')}" for name, value in figures.items())
            terminalreporter.write_line(f"{group}: {told}")


def _add(groups: dict[str, dict[str, float]], values: dict[str, Value]) -> None:
    figures = groups[str(values.pop("group"))]
    for name, value in values.items():
        number = float(value)
        figures[name] = max(figures[name], number) if name.startswith("most_") else figures[name] + number
