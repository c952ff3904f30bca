"""All schedules of a project: the declared ones, and those of its sources and models."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import msgspec

from startrail.base.span import Span
from startrail.base.time import zone
from startrail.base.units import parse_duration
from startrail.model.project import Project
from startrail.model.schedule import NamedSchedule, Schedule


class Standing(msgspec.Struct, frozen=True):
    """One schedule. ``words``: what it runs, as ``startrail run --select`` takes it; none = everything."""

    name: str
    schedule: Schedule
    words: tuple[str, ...]
    span: Span

    @property
    def zone(self) -> tzinfo:
        return zone(self.schedule.timezone)

    @property
    def deadline(self) -> timedelta | None:
        return None if self.schedule.deadline is None else parse_duration(self.schedule.deadline)

    def due_by(self, instant: datetime) -> datetime | None:
        """When the run of this instant must be over."""
        return None if self.deadline is None else instant + self.deadline


def standing(project: Project) -> tuple[Standing, ...]:
    """In order of name. That of a source is called ``source:NAME`` and runs the source with all that is made from it; that
    of a model ``model:NAME``, which also runs all that the model is made from."""
    found = [Standing(name, each, _words(each), each.span) for name, each in project.schedules.items()]
    found += [
        Standing(f"source:{source.name}", source.schedule, (f"{source.name}+",), source.span)
        for source in project.sources.values()
        if source.schedule is not None
    ]
    found += [
        Standing(f"model:{model.name}", model.schedule, (f"+{model.name}+",), model.span)
        for model in project.models.values()
        if model.schedule is not None
    ]
    return tuple(sorted(found, key=lambda each: each.name))


def _words(schedule: NamedSchedule) -> tuple[str, ...]:
    return (f"{schedule.script}+",) if schedule.script is not None else schedule.run
