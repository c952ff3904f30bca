"""One metadata file to the next: schemas, snapshots, expiry, log. Pure; nothing is read or written here."""

from __future__ import annotations

import re
import uuid

from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, TableMetadataV2
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRef, SnapshotRefType
from pyiceberg.table.snapshots import MetadataLogEntry, Operation, Snapshot, SnapshotLogEntry, Summary
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

from startrail.adapters.tables.types import to_iceberg
from startrail.model.evolution import greatest_id
from startrail.model.table import TableSchema, remembered

KEPT_SNAPSHOTS = 50
"""Snapshots that stay readable, besides those with a tag. More make every commit slower; the ledger has the history."""
_KEPT_LOG = 20
_STEPS = "startrail.steps"


def new_table(location: str, schema: TableSchema, at: int) -> TableMetadataV2:
    """A table without a snapshot. pyiceberg's own constructor would give the columns other ids."""
    return TableMetadataV2(
        location=location,
        table_uuid=uuid.uuid4(),
        last_updated_ms=at,
        last_column_id=greatest_id(schema),
        schemas=[to_iceberg(schema, 0)],
        current_schema_id=0,
        partition_specs=[UNPARTITIONED_PARTITION_SPEC],
        default_spec_id=UNPARTITIONED_PARTITION_SPEC.spec_id,
        last_partition_id=UNPARTITIONED_PARTITION_SPEC.last_assigned_field_id,
        sort_orders=[UNSORTED_SORT_ORDER],
        default_sort_order_id=UNSORTED_SORT_ORDER.order_id,
        properties={"write.format.default": "parquet", "write.metadata.previous-versions-max": str(_KEPT_LOG)},
    )


def with_schema(base: TableMetadataV2, schema: TableSchema) -> TableMetadataV2:
    """``base`` with ``schema`` as the current one; an equal one that is still there is used again."""
    wanted = to_iceberg(schema, 0)
    known = next((one for one in base.schemas if one.fields == wanted.fields), None)
    if known is not None:
        return base.model_copy(update={"current_schema_id": known.schema_id})
    id = max(one.schema_id for one in base.schemas) + 1
    return base.model_copy(
        update={
            "schemas": [*base.schemas, Schema(*wanted.fields, schema_id=id)],
            "current_schema_id": id,
            "last_column_id": max(base.last_column_id, greatest_id(schema)),
        }
    )


def with_snapshot(base: TableMetadataV2, snapshot: Snapshot, previous: str | None) -> TableMetadataV2:
    """``base`` with one more snapshot as the current one, the old ones expired. ``previous`` is where ``base`` lies."""
    snapshots = _kept(base, snapshot)
    ids = {one.snapshot_id for one in snapshots}
    log = base.metadata_log
    if previous is not None:
        log = [*log, MetadataLogEntry(metadata_file=previous, timestamp_ms=base.last_updated_ms)][-_log_size(base) :]
    main = base.refs.get(MAIN_BRANCH) or SnapshotRef(snapshot_id=0, snapshot_ref_type=SnapshotRefType.BRANCH)
    schemas = {base.current_schema_id, *(one.schema_id for one in snapshots)}
    return base.model_copy(
        update={
            "last_sequence_number": snapshot.sequence_number,
            "last_updated_ms": snapshot.timestamp_ms,
            "current_snapshot_id": snapshot.snapshot_id,
            "snapshots": snapshots,
            "snapshot_log": _log(base, snapshot, ids),
            "metadata_log": log,
            "refs": {**base.refs, MAIN_BRANCH: main.model_copy(update={"snapshot_id": snapshot.snapshot_id})},
            "schemas": [one for one in base.schemas if one.schema_id in schemas],
            "statistics": [one for one in base.statistics if one.snapshot_id in ids],
            "partition_statistics": [one for one in base.partition_statistics if one.snapshot_id in ids],
        }
    )


def next_version(previous: str | None) -> int:
    """The number that the next metadata file's name begins with."""
    found = re.search(r"/(\d+)-[^/]*$", previous) if previous is not None else None
    return int(found[1]) + 1 if found else 0


def summary(
    steps: tuple[str, ...], added: tuple[int, int, int], removed: tuple[int, int, int], total: tuple[int, int, int]
) -> Summary:
    """Each triple counts files, rows and bytes."""
    operation = Operation.APPEND if not removed[0] else Operation.OVERWRITE if added[0] else Operation.DELETE
    named = {
        "added-data-files": added[0],
        "added-records": added[1],
        "added-files-size": added[2],
        "deleted-data-files": removed[0],
        "deleted-records": removed[1],
        "removed-files-size": removed[2],
    }
    counts = {name: str(count) for name, count in named.items() if count}
    totals = dict(zip(("total-data-files", "total-records", "total-files-size"), map(str, total), strict=True))
    more = {_STEPS: ",".join(remembered(steps))} if steps else {}
    return Summary(operation, **counts, **totals, **more)


def steps_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The steps that :func:`summary` wrote down."""
    text = snapshot.summary.additional_properties.get(_STEPS) if snapshot.summary is not None else None
    return tuple(text.split(",")) if text else ()


def _kept(base: TableMetadata, snapshot: Snapshot) -> list[Snapshot]:
    """In their order: the last ones on the way to ``snapshot``, and those that a tag or a branch names."""
    by_id = {one.snapshot_id: one for one in base.snapshots}
    keep = {ref.snapshot_id for name, ref in base.refs.items() if name != MAIN_BRANCH}
    at: Snapshot | None = snapshot
    for _ in range(KEPT_SNAPSHOTS):
        if at is None:
            break
        keep.add(at.snapshot_id)
        at = by_id.get(at.parent_snapshot_id) if at.parent_snapshot_id is not None else None
    return [one for one in (*base.snapshots, snapshot) if one.snapshot_id in keep]


def _log(base: TableMetadata, snapshot: Snapshot, ids: set[int]) -> list[SnapshotLogEntry]:
    """The log must not reach back over a snapshot that is gone."""
    log = [*base.snapshot_log, SnapshotLogEntry(snapshot_id=snapshot.snapshot_id, timestamp_ms=snapshot.timestamp_ms)]
    gone = [at for at, entry in enumerate(log) if entry.snapshot_id not in ids]
    return log[gone[-1] + 1 :] if gone else log


def _log_size(base: TableMetadata) -> int:
    text = base.properties.get("write.metadata.previous-versions-max", "")
    return max(1, int(text)) if text.isdecimal() else _KEPT_LOG
