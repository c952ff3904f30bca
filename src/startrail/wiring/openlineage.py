"""Runs tell what they do to whom the profile names. A profile that names nobody costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from startrail.base.errors import StartrailError
from startrail.base.units import parse_duration
from startrail.flow.events import Emit
from startrail.wiring import Opened
from startrail.wiring.once import Once

if TYPE_CHECKING:
    from startrail.adapters.openlineage.listener import Listener
    from startrail.lineage.atlas import Atlas
    from startrail.ports.openlineage import Receiver


@contextmanager
def telling(opened: Opened, show: Emit) -> Iterator[Emit]:
    """``show``, or what stands before it and tells of the run; for one run."""
    if opened.profile.openlineage is None:
        yield show
        return
    listener = _listener(opened, show)
    try:
        yield listener
    except BaseException as error:
        listener.close(error)
        raise


def _listener(opened: Opened, show: Emit) -> Listener:
    from startrail.adapters.openlineage.journal import Journal
    from startrail.adapters.openlineage.listener import Listener
    from startrail.adapters.openlineage.messages import Teller
    from startrail.adapters.openlineage.names import Names
    from startrail.adapters.openlineage.sender import Sender

    declared = opened.profile.openlineage
    assert declared is not None
    names = Names(opened.project, opened.profile)
    journal = Journal(Path(opened.project.root) / ".startrail" / "openlineage" / quote(opened.profile_name, safe=""))
    teller = Teller(opened.project, names, Once(lambda: _atlas(opened)), _Reads(opened), opened.ports.engine.partition("-")[0])
    patience = parse_duration(declared.timeout).total_seconds()

    def sender(run: str) -> Sender:
        return Sender(journal, lambda: _receiver(opened), run, opened.ports.wall, patience)

    return Listener(show, teller, names, opened.ports.ledger, opened.ports.clock, journal, sender, "openlineage")


def _receiver(opened: Opened) -> Receiver:
    declared, root = opened.profile.openlineage, Path(opened.project.root)
    assert declared is not None
    if declared.file is not None:
        from startrail.adapters.openlineage.file_receiver import FileReceiver

        return FileReceiver(root / declared.file)
    from startrail.adapters.openlineage.http_receiver import HttpReceiver
    from startrail.adapters.secrets import resolve

    assert declared.url is not None
    token = resolve(declared.token, root) if declared.token is not None else None
    return HttpReceiver(declared.url, token, parse_duration(declared.timeout).total_seconds())


def _atlas(opened: Opened) -> Atlas | None:
    """None for a project whose SQL cannot be analysed: its runs say so themselves."""
    from startrail.wiring.lineage import project_lineage

    try:
        return project_lineage(Path(opened.project.root), opened.profile_name)[1]
    except StartrailError:
        return None


class _Reads:
    """The tables that a step reads."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._models = Once(self._of_models)

    def __call__(self, kind: str, subject: str) -> tuple[str, ...]:
        from startrail.capabilities.metrics.definition import tables_read
        from startrail.capabilities.reports.capability import tables_of

        project, ledger = self._opened.project, self._opened.ports.ledger
        if kind == "build":
            return self._models().get(subject, ())
        if kind == "deliver" and subject in project.reports:
            return tables_of(project.reports[subject], ledger)
        if kind == "measure" and subject in project.metrics:
            return tables_read([project.metrics[subject]], ledger)[subject]
        if kind == "bridge" and subject in project.metrics:
            metric = project.metrics[subject]
            both = tables_read([metric, *(project.metrics[bridge.to] for bridge in metric.bridges)], ledger)
            return tuple(dict.fromkeys(table for tables in both.values() for table in tables))
        return ()

    def _of_models(self) -> dict[str, tuple[str, ...]]:
        from startrail.capabilities.models.survey import survey

        found = survey(self._opened.project, self._opened.ports.ledger)
        return {name: tuple(analysis.reads) for name, analysis in found.analyses.items()}
