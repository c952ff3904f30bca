"""A patch: the changes of contracts and repairs that would let open rows in, as files, and tried before it is shown."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.ids import digest
from startrail.capabilities.contracts.proposal import Proposal
from startrail.capabilities.contracts.quarantine.replay import Replay
from startrail.capabilities.contracts.quarantine.trial import dry_run
from startrail.capabilities.contracts.remedies.evidence import Evidence, gather, together
from startrail.capabilities.contracts.remedies.remedy import Remedy, remedies
from startrail.model.contract import Contract
from startrail.model.project import Project
from startrail.model.repair import Repairs, RepairStep
from startrail.ports.ledger import Ledger
from startrail.ports.loader import Loader
from startrail.ports.quarantine import QuarantineFiles
from startrail.project import odcs_edit as edit
from startrail.project.documents import contract_bytes
from startrail.project.odcs import read_contract
from startrail.project.repairs import read_repairs
from startrail.project.scalars import Problems
from startrail.project.yaml import read_yaml
from startrail.project.yaml_edit import append
from startrail.project.yaml_write import Yaml, block


class Unmended(msgspec.Struct, frozen=True, tag_field="type", tag="unmended"):
    """A rule at a path for which there is no proposal, and why."""

    contract: str
    rule: str
    path: str
    rows: int
    reason: str


class Draft(msgspec.Struct, frozen=True):
    """The files to change. Of the ``rows`` that are open now, ``passes`` would be loaded with them: that was tried."""

    proposals: tuple[Proposal, ...]
    unmended: tuple[Unmended, ...]
    rows: int
    passes: int

    @property
    def diff(self) -> str:
        """All of it, as ``git apply`` takes it."""
        return "".join(proposal.diff for proposal in self.proposals)


def draft(planned: Sequence[Replay], project: Project, ledger: Ledger, loader: Loader, files: QuarantineFiles) -> Draft:
    """The patch for these deliveries; reads only. Raises ContractMoved (ST385) and what loaders raise."""
    numbers = {(ref.name, ref.version) for ref in ledger.contract_refs()}
    by_contract: dict[str, list[_Shown]] = {}
    for each in planned:
        by_contract.setdefault(each.contract.name, []).append(_Shown(each, gather(each, loader)))
    drafted = _Drafted()
    for name in sorted(by_contract):
        _of_contract(by_contract[name], project, numbers, drafted)
    rows = sum(each.standing.counts.quarantined + each.standing.counts.held for each in planned)
    passes = _passing(planned, drafted, loader, files) if drafted.proposals else 0
    return Draft(tuple(drafted.proposals), tuple(drafted.unmended), rows, passes)


class _Shown(msgspec.Struct, frozen=True):
    """A delivery, and what keeps its rows out."""

    replay: Replay
    evidence: tuple[Evidence, ...]


class _Drafted(msgspec.Struct):
    """A draft in the making, with what its files mean: contracts by name, repairs by source."""

    proposals: list[Proposal] = []
    unmended: list[Unmended] = []
    contracts: dict[str, Contract] = {}
    repairs: dict[str, Repairs | None] = {}


def _of_contract(shown: Sequence[_Shown], project: Project, numbers: Container[tuple[str, str]], drafted: _Drafted) -> None:
    """Add what is to change for the deliveries of one contract. ``numbers``: versions that were loaded under."""
    contract = shown[0].replay.contract
    found = remedies(contract, together(one for each in shown for one in each.evidence))
    text = contract_bytes(project.root, contract).decode()
    changed, applied, refused = _applied(text, found)
    drafted.unmended += [_unmended(contract.name, remedy) for remedy in refused]
    if applied:
        if (contract.name, contract.version) in numbers:
            changed = edit.set_version(changed, edit.raised(contract.version))
        path = contract.span.file
        drafted.proposals.append(Proposal(path, text, changed, tuple(remedy.what for remedy in applied)))
        drafted.contracts[contract.name] = _contract(changed, path)
    for source in sorted({each.replay.source.name for each in shown}):
        its: set[tuple[str, str]] = set()
        for each in shown:
            its.update((one.rule, one.path) for one in each.evidence if each.replay.source.name == source)
        proposal = _repairs(source, _steps(found, its), project)
        if proposal is not None:
            drafted.proposals.append(proposal)
            drafted.repairs[source] = _read_repairs(source, proposal)


def _applied(text: str, found: Sequence[Remedy]) -> tuple[str, list[Remedy], list[Remedy]]:
    """The changed text, the remedies that changed it, and those that are none, with the reason."""
    applied: list[Remedy] = []
    refused = [remedy for remedy in found if remedy.none]
    for remedy in found:
        if remedy.change is None:
            continue
        try:
            changed = remedy.change(text)
            _contract(changed, "contract.odcs.yml")
        except StartrailError as error:
            refused.append(Remedy(remedy.evidence, none=error.message))
            continue
        text = changed
        applied.append(remedy)
    return text, applied, refused


def _contract(text: str, path: str) -> Contract:
    """Raises what is wrong with it."""
    problems: Problems = []
    found = read_contract(text.encode(), path, problems)
    if found is None:
        raise problems[0]
    return found


def _unmended(contract: str, remedy: Remedy) -> Unmended:
    evidence: Evidence = remedy.evidence
    return Unmended(contract, evidence.rule, evidence.path, evidence.rows, remedy.none)


def _steps(found: Sequence[Remedy], shown: set[tuple[str, str]]) -> list[RepairStep]:
    """The repairs of those rules that one source shows."""
    of = [remedy for remedy in found if (remedy.evidence.rule, remedy.evidence.path) in shown]
    return [remedy.step for remedy in of if remedy.step is not None]


def _repairs(source: str, steps: list[RepairStep], project: Project) -> Proposal | None:
    """The source's file of repairs with these steps at its end; None when it has them all."""
    known = project.repairs.get(source)
    steps = [step for step in steps if known is None or step not in known.steps]
    if not steps:
        return None
    why = tuple(str(step) for step in steps)
    if known is None:
        path = f"contracts/repairs/{source}.yml"
        return Proposal(path, None, "\n".join(block({"steps": [_entries(step) for step in steps]}, "")) + "\n", why)
    path = known.span.file
    before = after = (Path(project.root) / path).read_bytes().decode()
    for step in steps:
        after = append(after, ("steps",), _entries(step))
    return Proposal(path, before, after, why)


def _entries(step: RepairStep) -> Mapping[str, Yaml]:
    """A step as its file has it, without what is left to the default."""
    cast = step.cast
    assert cast is not None, "only casts are proposed"
    action: dict[str, Yaml] = {"path": cast.path, "to": cast.to}
    if cast.pattern is not None:
        action["pattern"] = cast.pattern
    return {"cast": action, "where": {"rule": step.where.rule, "path": step.where.path}}


def _read_repairs(source: str, proposal: Proposal) -> Repairs | None:
    data = proposal.after.encode()
    problems: Problems = []
    found = read_repairs(read_yaml(data, proposal.path), source, digest(data), problems)
    if found is None:
        raise problems[0]
    return found


def _passing(planned: Sequence[Replay], drafted: _Drafted, loader: Loader, files: QuarantineFiles) -> int:
    """How many of the open rows would be loaded under the changed files."""
    passing = 0
    for each in planned:
        changed = msgspec.structs.replace(
            each,
            contract=drafted.contracts.get(each.contract.name, each.contract),
            repairs=drafted.repairs.get(each.source.name, each.repairs),
        )
        trial = dry_run(changed, loader=loader, files=files)
        before = each.standing.counts
        after = trial.counts.quarantined + trial.counts.held if trial.held is None else before.quarantined + before.held
        passing += max(before.quarantined + before.held - after, 0)
    return passing
