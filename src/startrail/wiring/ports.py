"""Which adapter serves which port, read from the profile. Adapters are imported when they are first needed."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.base.text import did_you_mean
from startrail.base.units import parse_size
from startrail.flow.session import Ports
from startrail.model.profile import LocalStore, Profile, S3Store, SqliteLedger
from startrail.model.source import Source
from startrail.wiring.cache import FileCache
from startrail.wiring.errors import UnknownProfile
from startrail.wiring.once import Once

if TYPE_CHECKING:  # the ports that a command does not use cost it nothing
    from startrail.model.destination import Place
    from startrail.model.project import Project
    from startrail.model.report import Report
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed
    from startrail.ports.ledger import Ledger
    from startrail.ports.loader import Loader
    from startrail.ports.report import Destination, Parcel, Writer
    from startrail.ports.store import Store
    from startrail.ports.tables import Tables
    from startrail.ports.warehouse import Warehouse

_KEPT_TABLE_STATES = 1000

ENGINE = "duckdb-2"
"""What results depend on, known without importing the engine; a test holds it against the installed one."""


def open_ports(project: Project, profile: Profile, *, now: datetime | None = None, read_only: bool = False) -> Ports:
    """All ports of a profile; only the ledger and the store are opened at once."""
    root = Path(project.root)
    clock, store = _clock(now), open_store(root, profile)
    warehouse = Once(partial(_warehouse, root, profile, store))
    return Ports(
        ledger=_ledger(root, profile, read_only),
        store=store,
        clock=clock,
        wall=_clock(None),
        tables=Once(partial(_tables, root, store)),
        warehouse=warehouse,
        loader=Once(partial(_loader, root, profile, store)),
        feed=partial(_feed, root, clock),
        writer=_writer,
        destination=partial(_destination, root),
        engine=ENGINE,
        told_time=now is not None,
    )


def close_ports(ports: Ports) -> None:
    """Close what was opened; what nobody needed is not opened for it."""
    if isinstance(ports.warehouse, Once):
        warehouse = ports.warehouse.opened()
        if warehouse is not None:
            warehouse.close()
    ports.ledger.close()


def profile_of(project: Project, name: str) -> Profile:
    """A declared profile. Raises UnknownProfile."""
    if name not in project.profiles:
        raise UnknownProfile(
            f"startrail.yml declares no profile '{name}'", affects="the whole command", hint=did_you_mean(name, project.profiles)
        )
    return project.profiles[name]


def scratch(root: Path) -> Path:
    """The folder for files that may be lost at any time: in the project, or where this user cannot write there,
    one of the user's own."""
    path = root / ".startrail" / "scratch"
    try:
        path.mkdir(parents=True, exist_ok=True)
        if os.access(path, os.W_OK):
            return path
    except OSError:
        pass  # whoever may only read can query all the same; whoever wanted to write is told by ledger and store
    import tempfile

    path = Path(tempfile.gettempdir()) / f"startrail-{os.geteuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path if path.lstat().st_uid == os.geteuid() else Path(tempfile.mkdtemp(prefix="startrail-"))


def _clock(now: datetime | None) -> Clock:
    from startrail.adapters.clock import ShiftedClock, SystemClock

    return SystemClock() if now is None else ShiftedClock(now)


def _ledger(root: Path, profile: Profile, read_only: bool) -> Ledger:
    if isinstance(profile.ledger, SqliteLedger):
        from startrail.adapters.ledger.sqlite import open_ledger

        return open_ledger(root / profile.ledger.path, read_only=read_only)
    from startrail.adapters.ledger.postgres import open_ledger as open_postgres
    from startrail.adapters.secrets import is_reference, resolve

    dsn = profile.ledger.dsn
    dsn = resolve(dsn, root) if is_reference(dsn) else dsn  # the declaration is refused when a password stands in it
    return open_postgres(dsn, schema=profile.ledger.schema, read_only=read_only)


def open_store(root: Path, profile: Profile) -> Store:
    """The store of a profile."""
    if isinstance(profile.store, LocalStore):
        from startrail.adapters.store import local

        return local.LocalStore(root / profile.store.path)
    assert isinstance(profile.store, S3Store)
    return open_s3(root, profile.store)


def open_s3(root: Path, declared: S3Store) -> Store:
    """A bucket as a store."""
    from startrail.adapters.secrets import resolve
    from startrail.adapters.store.s3 import store as s3

    return s3.S3Store(
        declared,
        scratch(root) / "s3",
        access_key=resolve(declared.access_key, root) if declared.access_key else None,
        secret_key=resolve(declared.secret_key, root) if declared.secret_key else None,
    )


def _tables(root: Path, store: Store) -> Tables:
    from startrail.adapters.tables.remembered import RememberedTables

    return RememberedTables(FileCache(root / ".startrail" / "cache", keep=_KEPT_TABLE_STATES), partial(_iceberg, store))


def _iceberg(store: Store) -> Tables:
    from startrail.adapters.tables.iceberg import IcebergTables

    return IcebergTables(store)


def _warehouse(root: Path, profile: Profile, store: Store) -> Warehouse:
    from startrail.adapters.warehouse.duckdb import DuckdbWarehouse

    engine = profile.warehouse
    return DuckdbWarehouse(store, scratch(root), memory=parse_size(engine.memory), threads=engine.threads)


def _loader(root: Path, profile: Profile, store: Store) -> Loader:
    from startrail.adapters.loader import DuckdbLoader

    engine = profile.warehouse
    return DuckdbLoader(store, scratch(root), memory=parse_size(engine.memory), threads=engine.threads)


def _writer(report: Report) -> Writer:
    from startrail.adapters.report import open_writer

    return open_writer(report.format)


def _destination(root: Path, report: Report, place: Place, parcel: Parcel) -> Destination:
    from startrail.adapters.report import open_destination
    from startrail.adapters.secrets import resolve

    return open_destination(place, report, parcel, root, lambda reference: resolve(reference, root) if reference else None)


def _feed(root: Path, clock: Clock, source: Source) -> Feed:
    from startrail.wiring.feeds import open_feed

    return open_feed(root, clock, source)
