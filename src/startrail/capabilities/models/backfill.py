"""What a backfill would take, said before it is done."""

from __future__ import annotations

from datetime import datetime

import msgspec

from startrail.base.text import did_you_mean
from startrail.base.time import partition_bounds, partition_name
from startrail.capabilities.models.capability import Reopen, plan_models
from startrail.capabilities.models.errors import NothingToBackfill
from startrail.flow.select import Selection
from startrail.flow.session import Ports
from startrail.model.model import Model
from startrail.model.project import Project
from startrail.model.table import TableName


class Estimate(msgspec.Struct, frozen=True, tag_field="type", tag="estimate"):
    """``rows`` and ``bytes`` are those of the partitions as published now; new ones are not known."""

    model: str
    partitions: tuple[str, ...]
    rows: int
    bytes: int


def estimate(project: Project, ports: Ports, reopen: Reopen) -> Estimate:
    """Partitions that a backfill would rebuild. Raises NothingToBackfill."""
    model = project.models.get(reopen.model)
    if model is None or model.kind != "partition":
        partitioned = [name for name, other in project.models.items() if other.kind == "partition"]
        raise NothingToBackfill(f"'{reopen.model}' is not a partitioned model", hint=did_you_mean(reopen.model, partitioned))
    for name in (reopen.first, reopen.last):
        _require_partition(name, model)
    planned = plan_models(project, ports.ledger, ports.engine, ports.clock.now(), Selection(frozenset((reopen.model,))), reopen)
    parts = tuple(item.step.partition for item in planned if reopen.covers(item.step) and not item.later)
    if not parts:
        raise NothingToBackfill(
            f"every partition of '{reopen.model}' from {reopen.first} to {reopen.last} is up to date",
            hint="add --force to rebuild them all the same",
        )
    pointer = ports.ledger.pointers().get(TableName.parse(reopen.model))
    files = ports.tables().state(pointer).files if pointer else ()
    old = [file for file in files if file.part in set(parts)]
    return Estimate(reopen.model, parts, sum(file.rows for file in old), sum(file.size for file in old))


def _require_partition(name: str, model: Model) -> None:
    grain = model.partition_grain
    if grain == "list":
        return
    try:
        named = partition_name(partition_bounds(name, grain)[0], grain)
    except ValueError:
        named = None
    if named != name:
        example = partition_name(datetime(2026, 10, 1), grain)
        raise NothingToBackfill(f"'{name}' is no {grain} of '{model.name}'", at=model.span, hint=f"write it as {example}")
