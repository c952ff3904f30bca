"""The shop example as the patient: one night is published, the next has arrived, and the run of it gets killed.

A shop stays in one folder, because Iceberg metadata holds absolute addresses; between cases the folder and the
ledger are put back to how they were after the first night.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from tests.faults.child import LIVES, Death, command_line
from tests.faults.invariants import Tables
from tests.faults.process import Ended, Process, process

from startrail import examples
from startrail.flow.lease import RUNNER
from startrail.flow.read import published
from startrail.flow.workspace import Workspace
from startrail.ports.warehouse import Query
from startrail.wiring import Opened, open_project

if TYPE_CHECKING:
    from tests.faults.database import Database

FIRST_RUN = "2026-10-02T08:00:00+02:00"
SECOND_RUN = "2026-10-03T08:00:00+02:00"
RESUMED = "2026-10-03T08:10:00+02:00"
ONCE_MORE = "2026-10-03T08:20:00+02:00"

PARALLEL = 2
"""Steps at once, as the shop's profile says; so many may be under way when a process dies."""


class Shop:
    """One project folder. ``database``: None keeps the ledger in SQLite."""

    def __init__(self, folder: Path, database: Database | None) -> None:
        self.root = folder / "shop"
        self._saved = folder / "saved"
        self._database = database
        examples.write("shop", self.root, days=1)
        settings = self.root / "startrail.yml"
        declared = yaml.safe_load(settings.read_text())
        declared["profiles"]["local"]["limits"] = {"parallel": PARALLEL}
        if database is not None:
            declared["profiles"]["local"]["ledger"] = {"kind": "postgres", "dsn": f"env:{database.variable}"}
        settings.write_text(yaml.safe_dump(declared))
        first = self.run(FIRST_RUN)
        assert first.code == 0, first.errors
        self.save()

    @property
    def ledger_kind(self) -> str:
        return "sqlite" if self._database is None else "postgres"

    def save(self) -> None:
        """What :meth:`reset` goes back to from now on: how it is."""
        shutil.rmtree(self._saved, ignore_errors=True)
        shutil.copytree(self.root, self._saved)
        if self._database is not None:
            self._database.save()

    def reset(self) -> None:
        """As it was saved: after the first night, unless somebody saved it later."""
        shutil.rmtree(self.root)
        subprocess.run(["cp", "-a", self._saved, self.root], check=True)
        if self._database is not None:
            self._database.restore()

    def arrive(self, night: int = 2, *, drifted: bool) -> None:
        """The files of one more night are there."""
        examples.upstream_day(self.root, night, drifted=drifted)

    @contextmanager
    def running(self, now: str, death: Death = LIVES, *, wait: float = 240) -> Iterator[Process]:
        """``startrail run`` in a harnessed process."""
        arguments = ("run", "-C", str(self.root), "--json", "--now", now, "--wait", str(wait))
        with process(command_line, death, arguments) as child:
            yield child

    @contextmanager
    def replaying(self, now: str, death: Death = LIVES, *more: str) -> Iterator[Process]:
        """``startrail quarantine replay`` in a harnessed process."""
        arguments = ("quarantine", "replay", "-C", str(self.root), "--json", "--now", now, "--wait", "240", *more)
        with process(command_line, death, arguments) as child:
            yield child

    def replay(self, now: str, death: Death = LIVES, *more: str) -> Ended:
        """The same, to its end."""
        with self.replaying(now, death, *more) as child:
            return child.ended()

    def run(self, now: str, death: Death = LIVES, *, wait: float = 240) -> Ended:
        """The same, to its end."""
        with self.running(now, death, wait=wait) as child:
            return child.ended()

    def expire_lease(self) -> None:
        """The lease runs out now, as it does for a runner that sleeps through its heartbeats."""
        self._renew(-1)

    def extend_lease(self) -> None:
        """The lease of a runner that stands still outlasts the test, however slow the machine is."""
        self._renew(3600)

    def _renew(self, seconds: float) -> None:
        with open_project(self.root, "local") as opened:
            lease = opened.ports.ledger.holder(RUNNER)
            assert lease is not None
            opened.ports.ledger.renew(lease, seconds, opened.ports.wall.now())

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """The project as a reader opens it."""
        with open_project(self.root, "local", read_only=True) as opened:
            yield opened

    def look(self) -> Tables:
        """All that a reader sees now."""
        with self.opened() as opened:
            return look(opened)


def look(opened: Opened) -> Tables:
    """Every published table and view, read at one moment."""
    ports = opened.ports
    workspace = Workspace(ports.ledger, ports.tables)
    names = sorted({*map(str, workspace.pointers), *(name for name in opened.project.models if workspace.exists(name))})
    return {name: _rows(published(f"select * from {name}", workspace, ports.ledger, ports.tables()), opened) for name in names}


def _rows(query: Query, opened: Opened) -> Counter[str]:
    return Counter(map(repr, opened.ports.warehouse().fetch(query).rows))
