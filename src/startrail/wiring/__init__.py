"""Profile to adapters: the one place that knows which adapter serves which port.

:func:`open_project` is what every command begins with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from startrail.flow.session import Ports
from startrail.model.profile import Profile
from startrail.model.project import Project
from startrail.wiring.errors import NotAProject

if TYPE_CHECKING:
    from startrail.flow.workspace import Workspace


@dataclass(frozen=True)
class Opened:
    """A project with the ports of one profile."""

    project: Project
    profile: Profile
    profile_name: str
    ports: Ports
    staged: Workspace | None = None
    """What a run under way sees, when it is the one that asks."""

    def workspace(self) -> Workspace:
        """What is visible now; to a run under way, with what it has staged."""
        from startrail.flow.workspace import Workspace

        return self.staged or Workspace(self.ports.ledger, self.ports.tables)


def read(root: Path) -> Project:
    """The project folder at ``root``. Raises NotAProject and DeclarationErrors."""
    from startrail.project.load import read_project
    from startrail.wiring.cache import FileCache

    root = root.resolve()
    if not (root / "startrail.yml").is_file():
        raise NotAProject(f"{root} has no startrail.yml", hint="go to the project folder, or: startrail init --example shop DIR")
    return read_project(root, FileCache(root / ".startrail" / "cache"))


def under(project: Project, profile: Profile) -> Project:
    """The project with the feeds and destinations that the profile puts in the place of the declared ones."""
    sources = {
        name: msgspec.structs.replace(project.sources[name], feed=feed) for name, feed in profile.feeds.items()
    }  # fmt: skip
    reports = {
        name: msgspec.structs.replace(project.reports[name], destination=None, destinations=places)
        for name, places in profile.destinations.items()
    }
    if not sources and not reports:
        return project
    return msgspec.structs.replace(project, sources=project.sources | sources, reports=project.reports | reports)


@contextmanager
def open_project(root: Path, profile_name: str, *, now: datetime | None = None, read_only: bool = False) -> Iterator[Opened]:
    """Read the folder and open the profile's ports; closes them at the end."""
    from startrail.wiring.ports import close_ports, open_ports, profile_of

    project = read(root)
    profile = profile_of(project, profile_name)
    project = under(project, profile)
    ports = open_ports(project, profile, now=now, read_only=read_only)
    try:
        yield Opened(project, profile, profile_name, ports)
    finally:
        close_ports(ports)


__all__ = ["Opened", "open_project", "read"]
