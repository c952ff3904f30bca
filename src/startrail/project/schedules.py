"""What schedules say about other declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from startrail.base.span import Span
from startrail.base.text import did_you_mean, printable
from startrail.model.project import Project
from startrail.model.schedule import NamedSchedule
from startrail.project import errors
from startrail.project.scalars import Problems

_Place = Callable[..., Span]


def check_schedules(project: Project, declared: Mapping[str, frozenset[str]], place: _Place, problems: Problems) -> None:
    """Append every word of a schedule that names nothing.

    ``declared`` holds the names of all files per folder, also of those that could not be read.
    """
    names = declared["sources"] | declared["models"] | declared["reports"] | declared["metrics"] | project.metrics.keys()
    for schedule in project.schedules.values():
        affects = f"schedule {schedule.name}"
        for word in schedule.run:
            bare = word.removeprefix("+").removesuffix("+")
            if not any(fnmatchcase(name, bare) for name in names):
                message = f"'{printable(word, 80)}' names nothing in this project"
                hint = did_you_mean(bare, names, "name a source, model, report or metric; see: startrail run --help")
                at = place(schedule.span.file, "run")
                problems.append(errors.UnknownReference(message, at=at, affects=affects, hint=hint))
        _check_script(schedule, project, declared["models"], place, problems)


def _check_script(schedule: NamedSchedule, project: Project, models: frozenset[str], place: _Place, problems: Problems) -> None:
    if schedule.script is None:
        return
    at, affects, name = place(schedule.span.file, "script"), f"schedule {schedule.name}", printable(schedule.script, 80)
    model = project.models.get(schedule.script)
    if schedule.script not in models:
        scripts = [model.name for model in project.models.values() if model.kind == "script"]
        hint = did_you_mean(schedule.script, scripts, "take one in: startrail adopt SCRIPT.sql --cron '0 6 * * *'")
        problems.append(errors.UnknownReference(f"there is no script '{name}'", at=at, affects=affects, hint=hint))
    elif model is not None and model.kind != "script":
        message = f"'{name}' is a {model.kind}, not a script"
        problems.append(errors.BadValue(message, at=at, affects=affects, hint=f"write run: [{name}+]"))
