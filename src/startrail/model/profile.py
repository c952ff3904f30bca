"""Profiles: the same project on other components."""

from __future__ import annotations

import msgspec

from startrail.model.quantities import Count, Dsn, PositiveCount, Secret, Size, Zone
from startrail.model.source import Feed


class DuckdbWarehouse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="duckdb"):
    """The embedded engine. ``threads`` 0 = one per core."""

    memory: Size = "2 GB"
    threads: Count = 0


class SqliteLedger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sqlite"):
    """A ledger in one file, relative to the project folder."""

    path: str = ".startrail/ledger.sqlite"


class PostgresLedger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="postgres"):
    """A team's ledger. ``dsn`` is a secret reference (``env:NAME``) or a connection string without password."""

    dsn: Dsn
    schema: str = "startrail"


class LocalStore(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="local"):
    """Landing, tables and staging in a folder of this machine, relative to the project folder."""

    path: str = ".startrail"


class S3Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="s3"):
    """A bucket of any S3 API. Keys are secret references; None = the environment's usual credentials."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: Secret | None = None
    secret_key: Secret | None = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a run may do at once."""

    parallel: PositiveCount = 2
    retries: Count = 2
    """Further tries of a step whose error is transient."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which component serves which port."""

    warehouse: DuckdbWarehouse = DuckdbWarehouse()
    ledger: SqliteLedger | PostgresLedger = SqliteLedger()
    store: LocalStore | S3Store = LocalStore()
    limits: Limits = Limits()
    feeds: dict[str, Feed] = {}
    """Feeds that replace those of the named sources, so that a laptop can run on samples."""
    protected: bool = False
    timezone: Zone = "UTC"
