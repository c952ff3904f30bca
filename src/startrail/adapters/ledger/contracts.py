"""Contract versions in the database. Each goes with a fact that names the digest of its document."""

from __future__ import annotations

import msgspec

from startrail.adapters.ledger import facts
from startrail.adapters.ledger.facts import Reading
from startrail.adapters.ledger.session import Session, decoding
from startrail.base.ids import digest
from startrail.base.time import from_text, to_text
from startrail.model.run import Verification
from startrail.model.version import RECORDED, ContractRef, KeptContract


def record(session: Session, kept: KeptContract) -> bool:
    ref = kept.ref
    return bool(
        session.run(
            "contracts.record",
            name=ref.name,
            version=ref.version,
            fingerprint=ref.fingerprint,
            document=kept.document,
            path=kept.path,
            run=kept.run,
            at=to_text(kept.at),
        )
    )


def refs(session: Session) -> frozenset[ContractRef]:
    return frozenset(ContractRef(*row) for row in session.all("contracts.refs"))


def versions(session: Session, name: str) -> list[KeptContract]:
    found = []
    for name_, version, fingerprint, document, path, run, at in session.all("contracts.of_name", name=name):
        with decoding(f"contract {name_} {version}"):
            found.append(KeptContract(ContractRef(name_, version, fingerprint), document, path, run, from_text(at)))
    return found


def loads(session: Session, name: str) -> dict[ContractRef, int]:
    rows = session.all("contracts.loads", name=name)
    return {ContractRef(name, version, fingerprint): count for version, fingerprint, count in rows}


class _Recorded(msgspec.Struct):
    name: str
    version: str
    fingerprint: str
    sha256: str


def verify(reading: Reading, chain: Verification) -> Verification:
    """Where the chain of facts holds: whether each kept document is still the one that its fact names."""
    if chain.altered is not None:
        return chain
    for fact in facts.pages(reading, kind=RECORDED, subject=None, run=None, after=0, limit=None):
        with decoding(f"fact {fact.seq}"):
            told = msgspec.json.decode(fact.payload, type=_Recorded)
        with reading() as session:
            row = session.one("contracts.document", name=told.name, version=told.version, fingerprint=told.fingerprint)
        if row is None or digest(row[0].encode("utf-8", "surrogateescape")) != told.sha256:
            was = "is gone" if row is None else "is not the one that was recorded"
            return Verification(chain.facts, fact.seq, f"the document of contract {told.name} {told.version} {was}")
    return chain
