"""The capabilities that take part in a run, in the order in which their tasks are gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from startrail.flow.capability import Capability

if TYPE_CHECKING:
    from startrail.capabilities.models.capability import Reopen
    from startrail.ports.archive import Unpacker


def capabilities(reopen: Reopen | None = None) -> tuple[Capability, ...]:
    """Sources land, contracts load and adopt, models build, bridges are checked, reports deliver, metrics are measured."""
    from startrail.capabilities.contracts.capability import Contracts
    from startrail.capabilities.contracts.drift.adopt import Adoptions
    from startrail.capabilities.contracts.replaced.withdraw import Replacements
    from startrail.capabilities.contracts.versions import Versioned
    from startrail.capabilities.metrics.capability import Metrics
    from startrail.capabilities.models.capability import Models
    from startrail.capabilities.reports.capability import Reports
    from startrail.capabilities.sources.capability import Sources
    from startrail.capabilities.why.bridges import Bridges
    from startrail.wiring.bridges import Dictionary
    from startrail.wiring.quarantine import quarantine_files

    return (
        Sources(_unpacker),
        Versioned(Contracts()),
        Versioned(Adoptions(quarantine_files)),
        Replacements(quarantine_files),
        Models(reopen),
        Bridges(Dictionary()),
        Reports(),
        Metrics(),
    )


def _unpacker() -> Unpacker:
    from startrail.adapters.archive.unpacker import ArchiveUnpacker

    return ArchiveUnpacker()
