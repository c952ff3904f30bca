"""Contract versions: each is kept, word for word, before anything is first loaded under it; and what a changed one breaks.

Meanings are compared, not fingerprints: a kept document is read again by the reader of today, so that a newer
Startrail, which may look at more of a document than an older one did, takes nothing for a change that is none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.text import did_you_mean, printable
from startrail.capabilities.contracts.errors import UnknownVersion
from startrail.flow.capability import Capability, Phase
from startrail.flow.events import ContractRecorded, VersionReused
from startrail.flow.session import Session, to_facts
from startrail.flow.tasks import Task
from startrail.model.contract import Contract
from startrail.model.project import Project
from startrail.model.step import StepOutput
from startrail.model.version import ContractRef, KeptContract
from startrail.ports.compatibility import Incompatibility, Mode
from startrail.ports.ledger import Ledger

_SHORTEST = 6
"""Characters of a fingerprint that name one."""


class Versioned:
    """A capability whose load tasks keep the contract that they load under, and name it in what they leave."""

    def __init__(self, inner: Capability) -> None:
        self._inner = inner

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        tasks = self._inner.tasks(phase, session)
        if phase != "load":
            return tasks
        kept: dict[str, ContractRef] = {}
        found = []
        for task in tasks:
            source = session.project.sources.get(task.owner)
            name = source.contract if source is not None else None
            if name is None:
                found.append(task)
                continue
            if name not in kept:
                kept[name] = keep(session.project.contracts[name], session)
            found.append(dataclasses.replace(task, work=under(kept[name], task.work)))
        return found


def keep(contract: Contract, session: Session) -> ContractRef:
    """The version in the ledger, recorded now if it is not there. Raises ContractMoved (ST385)."""
    from startrail.project.documents import contract_document

    ledger = session.ports.ledger
    known = _known(contract, ledger.contract_versions(contract.name))
    if known.same is not None:
        return known.same.ref
    ref = ContractRef(contract.name, contract.version, contract.fingerprint)
    document = contract_document(session.project.root, contract)
    kept = KeptContract(ref, document, contract.span.file, session.run, session.ports.clock.now())
    recorded = ContractRecorded(
        subject=ref.name, name=ref.name, version=ref.version, fingerprint=ref.fingerprint, sha256=kept.sha256, path=kept.path
    )
    reused = [
        VersionReused(
            subject=ref.name, name=ref.name, version=ref.version, fingerprint=ref.fingerprint, before=other.ref.fingerprint
        )
        for other in known.reused[-1:]
    ]
    events = (recorded, *reused)
    if ledger.record_contract(kept, session.lease, to_facts(*events)):
        for event in events:
            session.show(event)
    return ref


def under(ref: ContractRef, work: Callable[[], StepOutput]) -> Callable[[], StepOutput]:
    """The work, whose output names the contract."""
    return lambda: msgspec.structs.replace(work(), contract=ref)


class ContractChange(msgspec.Struct, frozen=True, tag_field="type", tag="contract_change"):
    """A contract of the project under which nothing was loaded yet, beside the versions that were.

    ``before``: the newest of them. ``reused``: its version number stands for another meaning already.
    ``incompatibilities``: what breaks the ``mode`` that the contract declares.
    """

    contract: str
    version: str
    before: str
    reused: bool
    mode: str | None
    incompatibilities: tuple[Incompatibility, ...] = ()

    @property
    def wrong(self) -> bool:
        """Somebody should look before anything is loaded under it."""
        return self.reused or bool(self.incompatibilities)


def plan_contracts(project: Project, ledger: Ledger) -> list[ContractChange]:
    """The contracts that changed since something was last loaded under them; reads only."""
    recorded = ledger.contract_refs()
    named = {ref.name for ref in recorded}
    found = []
    for contract in project.contracts.values():
        if contract.name in named and ContractRef(contract.name, contract.version, contract.fingerprint) not in recorded:
            known = _known(contract, ledger.contract_versions(contract.name))
            if known.same is None:
                found.append(_change(contract, known, project))
    return found


class Listed(msgspec.Struct, frozen=True, tag_field="type", tag="contract_version"):
    """One kept version as people see it. ``deliveries``: how many were loaded under it. ``breaks``: why it may not follow
    the version before, in the mode the contract declares, or in full."""

    name: str
    version: str
    fingerprint: str
    first_used: str
    run: str
    deliveries: int
    mode: str
    breaks: tuple[Incompatibility, ...] | None
    """None: it is the first, or cannot be read any more."""


def listed(name: str, ledger: Ledger, mode: str | None) -> list[Listed]:
    """All kept versions of a contract, the oldest first."""
    from startrail.base.time import to_text

    loads = ledger.loads_under(name)
    found: list[Listed] = []
    before: KeptContract | None = None
    chosen = _pairwise(mode)
    for kept in ledger.contract_versions(name):
        breaks = None if before is None else _breaks([before], kept.document, chosen)
        ref = kept.ref
        found.append(
            Listed(ref.name, ref.version, ref.fingerprint, to_text(kept.at), kept.run, loads.get(ref, 0), chosen.value, breaks)
        )
        before = kept
    return found


def find_version(wanted: str, name: str, ledger: Ledger) -> KeptContract:
    """The kept version with this number, or whose fingerprint begins so. Raises UnknownVersion (ST387)."""
    versions = ledger.contract_versions(name)
    wanted = wanted.removeprefix("@")
    found = [kept for kept in versions if kept.ref.version == wanted]
    if not found and len(wanted) >= _SHORTEST:
        found = [kept for kept in versions if kept.ref.fingerprint.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(f"{printable(name)}@{kept.ref.short}" for kept in found)
        raise UnknownVersion(
            f"contract {printable(name)} had {len(found)} meanings under version {printable(wanted, 60)}",
            hint=f"name one by its fingerprint: {names}",
        )
    if not versions:
        raise UnknownVersion(f"nothing was loaded under a contract '{printable(name)}' yet", hint="startrail run")
    raise UnknownVersion(
        f"contract {printable(name)} has no version '{printable(wanted, 60)}' in the ledger",
        hint=did_you_mean(wanted, {kept.ref.version for kept in versions}, f"startrail contract versions {name}"),
    )


class _Known(msgspec.Struct, frozen=True):
    """Kept versions beside one contract: the one that is the same, those with its number and another meaning, all."""

    same: KeptContract | None
    reused: tuple[KeptContract, ...]
    all: tuple[KeptContract, ...]


def _known(contract: Contract, versions: Iterable[KeptContract]) -> _Known:
    every = tuple(versions)
    numbered = [kept for kept in every if kept.ref.version == contract.version]
    same = next((kept for kept in numbered if kept.ref.fingerprint == contract.fingerprint), None)
    if same is None:
        same = next((kept for kept in numbered if _meaning(kept) == contract.fingerprint), None)
    return _Known(same, tuple(numbered) if same is None else (), every)


def _meaning(kept: KeptContract) -> str:
    """The fingerprint that the reader of today gives it."""
    from startrail.project.documents import kept_contract

    try:
        return kept_contract(kept).fingerprint
    except StartrailError:
        return kept.ref.fingerprint


def _change(contract: Contract, known: _Known, project: Project) -> ContractChange:
    from startrail.project.documents import contract_document

    mode = declared_mode(contract)
    document = contract_document(project.root, contract)
    broken = _breaks(known.all, document, Mode(mode)) or () if mode is not None else ()
    return ContractChange(
        contract.name, contract.version, known.all[-1].ref.version, bool(known.reused), mode, broken
    )  # fmt: skip


def declared_mode(contract: Contract) -> str | None:
    """The compatibility that the contract declares, as schema registries call it."""
    return None if contract.compatibility is None else contract.compatibility.upper()


def _pairwise(mode: str | None) -> Mode:
    return Mode((mode or "FULL").removesuffix("_TRANSITIVE"))


def _breaks(old: Iterable[KeptContract], new: str, mode: Mode) -> tuple[Incompatibility, ...] | None:
    """Why the document may not follow the others; None when one of them cannot be read."""
    from startrail.capabilities.contracts.compatibility.check import check
    from startrail.capabilities.contracts.compatibility.odcs import Odcs

    try:
        return tuple(check(Odcs(), [(kept.document, {}) for kept in old], (new, {}), mode))
    except StartrailError:
        return None
