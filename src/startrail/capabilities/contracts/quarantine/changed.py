"""Which partitions of a raw table a replay changes: those in which the delivery's rows are not the same multiset."""

from __future__ import annotations

from startrail.base.time import PARTITION_PATTERNS
from startrail.model.source import Source
from startrail.model.table import WHOLE, Relation
from startrail.ports.warehouse import Query, Warehouse


def changed_partitions(before: Relation, after: Relation, source: Source, warehouse: Warehouse) -> tuple[str, ...]:
    """``all`` and the names of the partitions that differ; nothing when every row is as it was.

    Rows are compared by all their columns, those that only one of both knows included: it is null in the other.
    """
    sides = [f"SELECT * FROM {warehouse.quote(relation.name)}" for relation in (before, after)]
    differing = f"({sides[0]} EXCEPT ALL {sides[1]}) UNION ALL ({sides[1]} EXCEPT ALL {sides[0]})"
    query = f"SELECT DISTINCT {_partition(after, source, warehouse)} AS part FROM ({differing}) AS d"
    found = [str(row[0]) for row in warehouse.fetch(Query(query, (before, after))).rows]
    return (WHOLE, *sorted(set(found) - {WHOLE})) if found else ()


def _partition(relation: Relation, source: Source, warehouse: Warehouse) -> str:
    """As the loader names partitions: instants count in UTC, another type than time is one partition."""
    column = relation.schema.column(source.partition_by) if source.partition_by else None
    kind = "" if column is None else str(column.type)
    if column is None or kind not in ("date", "timestamp", "timestamptz"):
        return f"'{WHOLE}'"
    value = warehouse.quote(column.name)
    if kind == "timestamptz":
        value = f"make_timestamp(epoch_us({value}))"
    return f"coalesce(strftime(date_trunc('{source.grain}', {value}), '{PARTITION_PATTERNS[source.grain]}'), 'null')"
