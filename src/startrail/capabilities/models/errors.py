"""What can be wrong with a model beyond its SQL."""

from __future__ import annotations

from startrail.base.errors import ModelError


class NoPartitions(ModelError):
    """A partitioned model from which it cannot be known which partitions should exist.

    Confine one of its inputs to ``[$start, $end)`` on the column that input is partitioned by, or declare ``start``.
    """

    code = "ST460"


class OutsidePartition(ModelError):
    """A build for one partition produced rows that belong to another one, or to none.

    They would be counted twice, or never. Confine the SELECT to ``[$start, $end)`` on the partition column.
    """

    code = "ST461"


class MissingColumn(ModelError):
    """A model's header names a column that its SELECT does not produce.

    Mend the name in the header (``partition_by``, ``grain``, ``columns``) or add the column to the SELECT.
    """

    code = "ST462"


class NothingToBackfill(ModelError):
    """A backfill names a model that has no partitions, or none in the asked range.

    Only models of ``kind: partition`` can be backfilled by range; others are rebuilt by ``startrail run``.
    """

    code = "ST463"


class CannotTell(ModelError):
    """What a table would be without some rows cannot be told without building it.

    A script, a model that reads its own earlier rows, or one of very many partitions: ``plan`` says "not measured" of the
    metrics behind it. What it says of rows and rules holds all the same.
    """

    code = "ST393"
