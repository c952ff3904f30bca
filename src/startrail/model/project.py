"""The project folder as one frozen value."""

from __future__ import annotations

import msgspec

from startrail.model.alert import Route
from startrail.model.contract import Contract
from startrail.model.metric import Metric
from startrail.model.mitigation import Bound
from startrail.model.model import Model, ModelTest
from startrail.model.profile import Profile
from startrail.model.repair import Repairs
from startrail.model.report import Report
from startrail.model.schedule import NamedSchedule
from startrail.model.source import Source


class Project(msgspec.Struct, frozen=True):
    """Everything declared, by name. ``root`` is the absolute path of the folder; ``digest`` covers its files."""

    name: str
    root: str
    profiles: dict[str, Profile]
    sources: dict[str, Source]
    contracts: dict[str, Contract]
    models: dict[str, Model]
    reports: dict[str, Report]
    tests: dict[str, ModelTest]
    digest: str = ""
    repairs: dict[str, Repairs] = {}
    """By source."""
    metrics: dict[str, Metric] = {}
    routes: dict[str, Route] = {}
    mitigations: dict[str, Bound] = {}
    """What the project says about entries of the book of mitigations, by their names."""
    schedules: dict[str, NamedSchedule] = {}
