"""``incidents/*.yml``: who is told of what. Routes have one name space over all files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from startrail.base.errors import DeclarationError
from startrail.base.text import did_you_mean, printable
from startrail.model.alert import Alerts, Route
from startrail.model.mitigation import MITIGATIONS, Bound
from startrail.model.project import Project
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.forms import IncidentsForm
from startrail.project.scalars import Problems
from startrail.project.yaml import Node


def read_incidents(node: Node, name: str, problems: Problems) -> IncidentsForm | None:
    """One file of the folder."""
    form = decode(node, IncidentsForm, problems, what=f"incidents/{name}")
    if form is None:
        return None
    before = len(problems)
    for route_name, route in form.routes.items():
        if not route.to:
            hint = "such as to: [oncall]"
            problems.append(errors.BadValue(f"route {route_name} goes to nobody", at=route.span, hint=hint))
        if route.quiet is not None and route.quiet.after == route.quiet.until:
            at = node.place("routes", route_name, "quiet")
            text = f"the quiet hours of route {printable(route_name, 60)} begin when they end"
            problems.append(errors.BadValue(text, at=at, hint="write two different times, or leave quiet out"))
    return form if len(problems) == before else None


def routes_of(forms: Iterable[IncidentsForm], problems: Problems) -> dict[str, Route]:
    """All routes by name; a name is taken by the first."""
    routes: dict[str, Route] = {}
    for form in forms:
        for name, route in form.routes.items():
            if name in routes:
                text = f"route '{printable(name, 60)}' is declared twice"
                problems.append(errors.NameTaken(text, at=route.span, hint=f"the other one is at {routes[name].span}"))
            else:
                routes[name] = route
    return routes


def mitigations_of(forms: Iterable[IncidentsForm], problems: Problems) -> dict[str, Bound]:
    """What is said about entries of the book; about each once."""
    bounds: dict[str, Bound] = {}
    for form in forms:
        for name, bound in form.mitigations.items():
            if name not in MITIGATIONS:
                text = f"the book has no mitigation '{printable(name, 60)}'"
                hint = did_you_mean(name, MITIGATIONS)
                problems.append(errors.UnknownReference(text, at=bound.span, affects="what is done by itself", hint=hint))
            elif name in bounds:
                text = f"mitigation '{name}' is declared twice"
                problems.append(errors.NameTaken(text, at=bound.span, hint=f"the other one is at {bounds[name].span}"))
            else:
                bounds[name] = bound
    return bounds


def check_routes(project: Project, problems: Problems) -> None:
    """Every endpoint of every route stands in every profile that tells anybody: one that is left out would be silence."""
    telling = {name: profile.alerts for name, profile in project.profiles.items() if profile.alerts is not None}
    for name, route in project.routes.items():
        for endpoint in route.to:
            for problem in _missing(endpoint, telling):
                problem.at, problem.affects = route.span, f"route {printable(name, 60)}"
                problems.append(problem)


def _missing(endpoint: str, telling: Mapping[str, Alerts]) -> Iterable[DeclarationError]:
    shown = printable(endpoint, 60)
    if not telling:
        hint = "add alerts: with endpoints: to a profile in startrail.yml"
        yield errors.UnknownReference(f"there is no endpoint '{shown}': no profile has alerts", hint=hint)
    for profile, alerts in telling.items():
        if endpoint not in alerts.endpoints:
            otherwise = f"declare it there; {{kind: log}} for a profile that shall not use '{shown}'"
            hint = did_you_mean(endpoint, alerts.endpoints, otherwise)
            yield errors.UnknownReference(f"profile {profile} has no endpoint '{shown}'", hint=hint)
