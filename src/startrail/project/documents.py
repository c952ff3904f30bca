"""A contract's document: its text as it stands in the project folder, and the contract that a kept text means.

The YAML library is only imported where a document is read: a run that has nothing to do reads none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.base.errors import ContractError, StartrailError
from startrail.base.text import printable
from startrail.model.contract import Contract
from startrail.model.version import KeptContract

if TYPE_CHECKING:
    from startrail.project.scalars import Problems


class ContractMoved(ContractError):
    """A contract's file is not the one that this command began with.

    Somebody saved or removed it meanwhile. Nothing was loaded under either; run the command again.
    """

    code = "ST385"


class KeptUnreadable(ContractError):
    """A contract version that the ledger keeps cannot be read by this version of Startrail.

    ``startrail contract show NAME@VERSION`` prints its text. Write what it said as the project's contract, and replay
    without ``--contract``.
    """

    code = "ST386"


def contract_document(root: str, contract: Contract) -> str:
    """The text that the contract was read from. Raises ContractMoved (ST385)."""
    from startrail.project.odcs import read_contract
    from startrail.project.yaml import read_text

    path = contract.span.file
    data = contract_bytes(root, contract)
    problems: Problems = []
    try:
        found = read_contract(data, path, problems)
    except StartrailError:
        found = None
    if found is None or (found.version, found.fingerprint) != (contract.version, contract.fingerprint):
        raise ContractMoved(f"{printable(path)} was changed meanwhile", at=contract.span, hint="run the command again")
    return read_text(data, path)


def contract_bytes(root: str, contract: Contract) -> bytes:
    """The file as it stands now. Raises ContractMoved (ST385)."""
    from startrail.project.yaml import MAX_BYTES

    path = contract.span.file
    try:
        with (Path(root) / path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ContractMoved(
            f"{printable(path)} cannot be read any more: {reason}", at=contract.span, hint="run the command again"
        ) from error


def kept_contract(kept: KeptContract) -> Contract:
    """What a kept document means. Raises KeptUnreadable (ST386)."""
    from startrail.project.odcs import read_contract

    problems: Problems = []
    try:
        found = read_contract(kept.document.encode(), kept.path, problems)
    except StartrailError as error:
        problems.append(error)
        found = None
    if found is None:
        raise KeptUnreadable(
            f"contract {printable(str(kept.ref))} cannot be read: {problems[0].message}",
            at=problems[0].at,
            hint=f"startrail contract show {printable(str(kept.ref))}",
        )
    return found
