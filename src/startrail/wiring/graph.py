"""The whole project as one graph of names: sources, models, reports, metrics."""

from __future__ import annotations

from startrail.wiring import Opened


def graph(opened: Opened) -> dict[str, frozenset[str]]:
    """Every source, model, report and metric with the names it is made from."""
    from startrail.capabilities.metrics.definition import tables_read
    from startrail.capabilities.models.survey import survey
    from startrail.capabilities.reports.capability import tables_of

    project = opened.project
    found = survey(project, opened.ports.ledger)
    names: dict[str, frozenset[str]] = {name: frozenset() for name in project.sources}
    names |= {name: frozenset(found.parents(name)) for name in project.models}
    for name, report in project.reports.items():
        names[name] = frozenset(
            found.maker.get(table) or found.loads.get(table, table) for table in tables_of(report, opened.ports.ledger)
        )
    for name, tables in tables_read(project.metrics.values(), opened.ports.ledger).items():
        names[name] = frozenset(found.maker.get(table) or found.loads.get(table, table) for table in tables)
    return names
