"""The lineage of a project folder, remembered between commands."""

from __future__ import annotations

from pathlib import Path

import msgspec

from startrail.lineage.atlas import VERSION, Atlas, atlas
from startrail.model.project import Project
from startrail.wiring import open_project, read
from startrail.wiring.cache import FileCache
from startrail.wiring.remembered import Remembered

_KIND = "lineage"


class _Stored(msgspec.Struct, frozen=True):
    digest: str
    atlas: Atlas


def project_lineage(root: Path, profile_name: str) -> tuple[Project, Atlas]:
    """The project and its atlas. An unchanged project costs one file; of a changed one only what changed is traced.

    Raises DeclarationErrors, and ModelErrors for SQL that names unknown tables or circles.
    """
    project = read(root)
    cache = FileCache(root.resolve() / ".startrail" / "cache")
    key = f"{VERSION} {project.name}"
    stored = _decoded(cache.get(_KIND, key))
    if stored is not None and stored.digest == project.digest:
        return project, stored.atlas
    found = _drawn(root, profile_name, stored.atlas if stored is not None else None, cache)
    cache.put(_KIND, key, msgspec.msgpack.encode(_Stored(project.digest, found)))
    return project, found


def _drawn(root: Path, profile_name: str, before: Atlas | None, cache: FileCache) -> Atlas:
    from startrail.capabilities.models.survey import survey
    from startrail.capabilities.reports.capability import tables_of
    from startrail.capabilities.reports.query import report_sql

    with open_project(root, profile_name, read_only=True) as opened:
        project, memory = opened.project, Remembered(opened.ports.ledger, cache, opened.project.name)
        surveyed = survey(project, memory)
        reports = {name: tables_of(report, memory) for name, report in project.reports.items()}
        memory.save()
        return atlas(
            project,
            surveyed.order,
            {name: analysis.reads for name, analysis in surveyed.analyses.items()},
            {name: report_sql(report) for name, report in project.reports.items()},
            reports,
            before,
        )


def _decoded(value: bytes | None) -> _Stored | None:
    if value is None:
        return None
    try:
        return msgspec.msgpack.decode(value, type=_Stored)
    except msgspec.DecodeError:
        return None
