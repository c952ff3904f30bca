"""Startrail: the data platform that keeps the report on time, and can say why a number changed.

The public Python API is what this module names; everything is imported on first use, so that
``import startrail`` costs next to nothing. :mod:`startrail.testing` is public too, the rest is private.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from startrail.base.errors import StartrailError
    from startrail.ports.compatibility import Incompatibility
    from startrail.project.load import read_project
    from startrail.wiring.compatibility import compatible

_HOMES = {
    "Incompatibility": "startrail.ports.compatibility",
    "StartrailError": "startrail.base.errors",
    "compatible": "startrail.wiring.compatibility",
    "read_project": "startrail.project.load",
}

__all__ = ["Incompatibility", "StartrailError", "__version__", "compatible", "read_project"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'startrail' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
