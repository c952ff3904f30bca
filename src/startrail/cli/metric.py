"""``startrail metric``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "list": "Show all metrics, one line each.",
    "show": "Show one metric: its definition, its version, what was recorded.",
    "sql": "Print the SELECT that a metric means.",
    "value": "Compute a metric over a period, with the trail that leads back to it.",
    "import": "Write metrics from a MetricFlow manifest or an Apache Ossie file.",
    "export": "Write the metrics as a MetricFlow manifest or an Apache Ossie file.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.metric_<name>``."""

command: click.Group = lazy_group(
    "metric", SUBCOMMANDS, "The dictionary of metrics: definitions, SQL, values, exchange with other tools."
)
