"""Declarations whose YAML form is not the form of their value. The others are read as their Struct in ``model/``."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from startrail.model.alert import Route
from startrail.model.mitigation import Bound
from startrail.model.profile import Profile
from startrail.model.quantities import TableText
from startrail.model.repair import RepairStep


class ProjectForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``startrail.yml``. Without profiles there is one, ``local``, with everything in the project folder."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    """What the project is called."""
    profiles: dict[str, Profile] = {}
    """Which components serve the project where; ``local`` is always there."""


class ModelTestForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``tests/**/*.yml``: small input tables and the rows that must come out. ``model`` defaults to the file's own path."""

    given: dict[str, list[dict[str, object]]]
    """Table name to rows; a table that is left out is empty."""
    expect: list[dict[str, object]]
    """The rows that must come out, in any order."""
    model: TableText | None = None
    """The tested model; None = as the file's path says."""
    parameters: dict[str, str] = {}
    """Values of ``$partition``, ``$start``, ``$end``, ``$env``."""


class RepairsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``contracts/repairs/SOURCE.yml``: what is done to refused records of the source when they are replayed."""

    steps: tuple[RepairStep, ...]
    """Applied one after the other; the file's name is the source's."""


class IncidentsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``incidents/*.yml``: what happens when something is wrong."""

    routes: dict[str, Route] = {}
    """Who is told of what, by name."""
    mitigations: dict[str, Bound] = {}
    """What Startrail may do by itself, by the name that the book gives it."""
