"""Contract versions as the ledger keeps them: what was promised when something was loaded, word for word."""

from __future__ import annotations

from datetime import datetime

import msgspec

from startrail.base.ids import digest

RECORDED = "contract.recorded"
"""The kind of the fact that goes with a kept version."""


class ContractRef(msgspec.Struct, frozen=True, order=True):
    """A contract under one meaning: two with the same version number and another fingerprint promise different things."""

    name: str
    version: str
    fingerprint: str

    @property
    def key(self) -> str:
        """One text that names it."""
        return f"{self.name}@{self.version}#{self.fingerprint}"

    @property
    def short(self) -> str:
        """The beginning of the fingerprint, as people are shown it."""
        return self.fingerprint[:8]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class KeptContract(msgspec.Struct, frozen=True):
    """A version under which something was loaded. ``document`` is the whole file, ``path`` its place in the project."""

    ref: ContractRef
    document: str
    path: str
    run: str
    """The run that first loaded under it."""
    at: datetime

    @property
    def sha256(self) -> str:
        """Of the document."""
        return digest(self.document.encode())
