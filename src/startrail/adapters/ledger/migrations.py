"""Layouts of the ledger, one numbered file per step forward (``0001.sql``, ...); a ledger only moves forward."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from startrail.ledger.errors import LedgerDamaged, LedgerTooNew, LedgerTooOld

VERSION_KEY = "startrail.version"


@cache
def newest(folder: Path) -> int:
    """The version this program knows: that of the last file."""
    return max(int(file.stem) for file in folder.glob("*.sql"))


@cache
def missing(folder: Path, version: int) -> tuple[tuple[int, str], ...]:
    """Number and text of each step from ``version`` to the newest."""
    files = sorted((int(file.stem), file) for file in folder.glob("*.sql"))
    return tuple((number, file.read_text(encoding="utf-8")) for number, file in files if number > version)


def read_version(value: object, where: str) -> int:
    """What the ledger's ``meta`` says, as a number. Raises LedgerDamaged when it is none."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    raise LedgerDamaged(f"{where} does not say which version of the ledger it is", hint="restore the ledger from a backup")


def too_new(where: str, version: int, known: int) -> LedgerTooNew:
    return LedgerTooNew(
        f"{where} has version {version} of the ledger, and this Startrail knows versions up to {known}",
        affects="the ledger was left as it is",
        hint="upgrade: `uv tool upgrade startrail` or `pip install --upgrade startrail`",
    )


def too_old(where: str, version: int, known: int) -> LedgerTooOld:
    return LedgerTooOld(
        f"{where} has version {version} of the ledger, and a command that only reads cannot bring it to {known}",
        hint="run a command that writes first: `startrail run`",
    )


def not_a_ledger(where: str, what: str) -> LedgerDamaged:
    return LedgerDamaged(
        f"{where} is not a Startrail ledger: {what}",
        affects="it was left as it is",
        hint="correct the ledger's place in the profile (startrail.yml), or move what is there aside",
    )
