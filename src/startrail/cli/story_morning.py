"""The demo's last chapter: what changed is named, proven harmless and adopted, and a stricter promise is tried."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from startrail.cli.console import Console
from startrail.cli.git_apply import git_apply

_NOW = "2026-10-04T08:{minute}:00+02:00"
_FIELD = "$.loyalty_tier"
_PROPOSAL = "proposals/orders.odcs.yml"
_OPTIONAL_PHONE = "not everybody gives one.\n        logicalType: string\n"
_LIMIT = "0.5%"


def tell(folder: Path, console: Console) -> int:
    """Play it; returns the exit code of the first command that did not do as it should."""
    for step in (_named, _acknowledged, _adopted, _tried):
        code = step(folder, console)
        if code:
            return code
    return 0


def _named(folder: Path, console: Console) -> int:
    console.say("The report is out. Now: what was it that changed, since when, and whom does it touch?")
    return _call(folder, console, "drift", "list", minute=22)


def _acknowledged(folder: Path, console: Console) -> int:
    console.say("\nThe new field is known now. That it left all other data as it was is proven, not believed:")
    note = "part of the API's October release"
    patch = ("--patch", "adopt.patch", "--note", note)
    return _call(folder, console, "drift", "ack", "orders_api", _FIELD, "--until", "2026-10-31", *patch, minute=24)


def _adopted(folder: Path, console: Console) -> int:
    console.say("\nThe patch of the contract is applied. The next run fills the column from the day the field first came:")
    git = shutil.which("git")
    if git is None:
        code = _call(folder, console, "drift", "patch", "orders_api", _FIELD, "--write", minute=25)
    else:
        words = git_apply("adopt.patch", folder)
        console.say(f"$ {' '.join(words)}")
        code = subprocess.run([git, *words[1:]], cwd=folder, check=False).returncode  # noqa: S603
    code = code or _call(folder, console, "run", minute=26)
    sql = "select ordered_at::date as day, count(*) as orders, count(loyalty_tier) as tiers from raw.orders group by 1 order by 1"
    return code or _call(folder, console, "query", sql)


def _tried(folder: Path, console: Console) -> int:
    """The plan must end with 1: history says that the promise is too strict."""
    console.say(f"\nA colleague wants the phone number to be mandatory. Our own history says, before anybody merges {_PROPOSAL}:")
    contract = (folder / "contracts" / "orders.odcs.yml").read_text(encoding="utf-8")
    assert _OPTIONAL_PHONE in contract, "the demo's own contract has an optional phone number"
    proposal = folder / _PROPOSAL
    proposal.parent.mkdir()
    mandatory = contract.replace(_OPTIONAL_PHONE, _OPTIONAL_PHONE + "        required: true\n")
    proposal.write_text(mandatory.replace("version: 1.1.0", "version: 2.0.0"), encoding="utf-8")
    code = _call(folder, console, "plan", "--contract", f"orders={_PROPOSAL}", "--fail-above", _LIMIT, minute=30)
    console.say(f"  exit code {code}: more than {_LIMIT} of the orders would have been refused")
    return 0 if code == 1 else code or 1


def _call(folder: Path, console: Console, *words: str, minute: int | None = None) -> int:
    """A command of ours, as a person would type it; at the pretended time, which the line leaves out."""
    told = [f"'{word}'" if " " in word or "$" in word else word for word in words]
    console.say("$ startrail " + " ".join(told))
    command = [sys.executable, "-m", "startrail", *words, "--profile", "demo"]
    command += [] if minute is None or words[:2] == ("drift", "list") else ["--now", _NOW.format(minute=minute)]
    quiet = subprocess.DEVNULL if console.as_json else None
    return subprocess.run(command, cwd=folder, check=False, stdout=quiet, stderr=quiet).returncode  # noqa: S603
