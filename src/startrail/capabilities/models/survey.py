"""All models of a project, parsed and in order; parsing is remembered in the ledger's cache."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from startrail.base.ids import fingerprint
from startrail.lineage import graph
from startrail.model.analysis import Analysis
from startrail.model.model import Model
from startrail.model.project import Project
from startrail.ports.memory import Memory

_CACHE = "analysis-2"
"""Raised when :class:`Analysis` or the analyser changes its meaning."""


class Partitioning(msgspec.Struct, frozen=True):
    """The time column of a table and the size of its partitions."""

    column: str
    grain: str


class Survey(msgspec.Struct, frozen=True):
    """``order`` lists models so that each stands after what it reads; ``maker`` names the model that makes a table."""

    order: tuple[str, ...]
    analyses: dict[str, Analysis]
    maker: dict[str, str]
    partitioning: dict[str, Partitioning]
    loads: dict[str, str]
    """Raw table -> source."""

    def parents(self, name: str) -> tuple[str, ...]:
        """Names of the models and sources that ``name`` reads directly."""
        return tuple(self.maker.get(table) or self.loads[table] for table in self.analyses[name].reads)


def survey(project: Project, ledger: Memory) -> Survey:
    """Parse what is not in the cache. Raises ModelError for SQL that cannot be used, cycles and unknown tables."""
    analyses = _analyses(project.models, ledger)
    loads = {source.into: source.name for source in project.sources.values() if source.into}
    maker: dict[str, str] = {}
    for name, model in project.models.items():
        for table in _makes(model, analyses[name]):
            maker[table] = name
    return Survey(
        order=tuple(graph.order(project.models, analyses, maker, loads)),
        analyses=analyses,
        maker=maker,
        partitioning=_partitioning(project),
        loads=loads,
    )


def _makes(model: Model, analysis: Analysis) -> tuple[str, ...]:
    return (*analysis.writes, *model.writes) if model.kind == "script" else (model.name,)


def _partitioning(project: Project) -> dict[str, Partitioning]:
    found: dict[str, Partitioning] = {}
    for source in project.sources.values():
        if source.into and source.partition_by:
            found[source.into] = Partitioning(source.partition_by, source.grain)
    for model in project.models.values():
        if model.kind == "partition" and model.partition_by:
            found[model.name] = Partitioning(model.partition_by, model.partition_grain)
    return found


def _analyses(models: Mapping[str, Model], ledger: Memory) -> dict[str, Analysis]:
    keys = {name: fingerprint(model.path, model.kind, str(model.sql_line), model.sql) for name, model in models.items()}
    known = ledger.cached(_CACHE, keys.values())
    decoder = msgspec.msgpack.Decoder(Analysis)
    found = {name: decoder.decode(known[key]) for name, key in keys.items() if key in known}
    fresh = {name: _analyse(model) for name, model in models.items() if name not in found}
    if fresh:
        encoder = msgspec.msgpack.Encoder()
        ledger.cache(_CACHE, {keys[name]: encoder.encode(analysis) for name, analysis in fresh.items()})
    return found | fresh


def _analyse(model: Model) -> Analysis:
    from startrail.lineage.analyse import analyse  # imports the parser, which an unchanged project never needs

    found = analyse(model.sql, script=model.kind == "script", path=model.path, first_line=model.sql_line)
    if model.kind == "script":
        return msgspec.structs.replace(
            found,
            reads=tuple(dict.fromkeys(found.reads + model.reads)),
            writes=tuple(dict.fromkeys(found.writes + model.writes)),
        )
    return found
