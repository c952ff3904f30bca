"""Profiles: the same project on other components."""

from __future__ import annotations

import msgspec

from startrail.model.alert import Alerts
from startrail.model.destination import Destination
from startrail.model.quantities import Count, Dsn, Duration, PositiveCount, Secret, Size, Url
from startrail.model.source import Feed


class DuckdbWarehouse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="duckdb"):
    """The embedded engine. ``threads`` 0 = one per core."""

    memory: Size = "2 GB"
    """Memory limit; beyond it the engine spills to disk."""
    threads: Count = 0
    """0 = one per core."""


class SqliteLedger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sqlite"):
    """A ledger in one file, relative to the project folder."""

    path: str = ".startrail/ledger.sqlite"
    """The file; a relative path starts at the project folder."""


class PostgresLedger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="postgres"):
    """A team's ledger. ``dsn`` is a secret reference (``env:NAME``) or a connection string without password."""

    dsn: Dsn
    """A secret reference (``env:NAME``), or a connection string without password."""
    schema: str = "startrail"
    """The schema that holds all its tables."""


class LocalStore(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="local"):
    """Landing, tables and staging in a folder of this machine, relative to the project folder."""

    path: str = ".startrail"
    """The folder; a relative path starts at the project folder."""


class S3Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="s3"):
    """A bucket of any S3 API. Keys are secret references; None = the environment's usual credentials."""

    bucket: str
    """Name of the bucket."""
    prefix: str = ""
    """What every key begins with."""
    endpoint: str | None = None
    """Address of the S3 API; None = Amazon's own."""
    region: str = "us-east-1"
    """Region of the bucket."""
    access_key: Secret | None = None
    """A secret reference; None = the environment's usual credentials."""
    secret_key: Secret | None = None
    """A secret reference; None = the environment's usual credentials."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a run may do at once."""

    parallel: PositiveCount = 2
    """How many steps run at the same time."""
    retries: Count = 2
    """Further tries of a step whose error is transient."""


class OpenLineage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where runs tell what they do, as OpenLineage events. Exactly one of ``file`` and ``url``."""

    file: str | None = None
    """One event per line is appended to it; a relative path starts at the project folder."""
    url: Url | None = None
    """The whole address that takes events, such as ``http://marquez:5000/api/v1/lineage``."""
    token: Secret | None = None
    """Sent as ``Authorization: Bearer``; a secret reference."""
    namespace: str | None = None
    """Namespace of the jobs; None = the project's name."""
    timeout: Duration = "5s"
    """How long one answer may take, and how long a run waits at its end for events that are still to be sent."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which component serves which port."""

    warehouse: DuckdbWarehouse = DuckdbWarehouse()
    """The engine that runs SQL."""
    ledger: SqliteLedger | PostgresLedger = SqliteLedger()
    """The database of facts, which is the table catalog too."""
    store: LocalStore | S3Store = LocalStore()
    """Where landed bytes and tables lie."""
    limits: Limits = Limits()
    """How much a run may do at once."""
    feeds: dict[str, Feed] = {}
    """Feeds that replace those of the named sources, so that a laptop can run on samples."""
    destinations: dict[str, tuple[Destination, ...]] = {}
    """Destinations that replace those of the named reports, so that a laptop sends nothing to people."""
    openlineage: OpenLineage | None = None
    """Where runs tell what they do, as OpenLineage events; None = nowhere."""
    alerts: Alerts | None = None
    """Where alerts go; None = nobody is told."""
