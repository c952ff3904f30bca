"""The demo's incident: what the third night's change was, as facts alone tell it, held against what the generator knows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from startrail import examples
from startrail.cli.console import Console
from startrail.model.star import Star

_SOURCE = "orders_api"


class Told(msgspec.Struct, frozen=True):
    """``figures``: of the rows that the report tells of. ``wrong``: what differs from the truth; none."""

    incident: str
    figures: dict[str, str]
    wrong: tuple[str, ...] = ()


class _Listed(msgspec.Struct):
    type: str
    id: str = ""
    state: str = ""
    severity: str = ""


def tell(folder: Path, night: int, console: Console) -> Told | int:
    """Play it; an exit code stands for a command that did not do as it should."""
    console.say("One incident was opened, dealt with by the policy, and verified; nobody was woken:")
    listed = _call(folder, "incident", "list", "--json")
    found = [each for each in map(_listed, listed.stdout.splitlines()) if each.type == "incident"]
    if listed.returncode or len(found) != 1:
        console.say(listed.stderr or f"  WRONG: there are {len(found)} incidents, and there was one cause")
        return listed.returncode or 1
    (incident,) = found
    console.say("$ startrail incident list")
    shown = subprocess.run(_command("incident", "list"), cwd=folder, check=False, stdout=_quiet(console)).returncode  # noqa: S603
    console.say("Its report, in which no number was typed by hand:")
    console.say(f"$ startrail incident star {incident.id}")
    words = ("incident", "star", incident.id)
    shown = shown or subprocess.run(_command(*words), cwd=folder, check=False, stdout=_quiet(console)).returncode  # noqa: S603
    if shown:
        return shown
    told = _call(folder, *words, "--format", "json")
    star = next(msgspec.json.decode(line, type=Star) for line in told.stdout.splitlines() if _listed(line).type == "star")
    wrong = (
        [f"the incident is {incident.severity}, {incident.state}"]
        if incident.state != "mitigated" or incident.severity == "page"
        else []
    )
    wrong += differences(folder, night, star)
    for each in wrong:
        console.say(f"  WRONG: {each}")
    if not wrong:
        console.say("  The generator, which knows no SQL and no facts, counts the same rows.")
    return Told(incident.id, _rows(star), tuple(wrong))


def differences(folder: Path, night: int, star: Star) -> list[str]:
    """Where the report says something else than the generator knows of that night."""
    truth = examples.night_truth(folder, night)
    counts = truth.counts[_SOURCE]
    known = {
        "deliveries": truth.deliveries[_SOURCE], "in": counts.rows_in, "loaded": counts.loaded, "quarantined": counts.quarantined,
        "held": counts.held, "discarded": counts.discarded, "lost": 0,
    }  # fmt: skip
    told = _rows(star)
    found = [
        f"{name} is {told.get(name)}, but {true:,} in truth" for name, true in known.items() if told.get(name) != f"{true:,}"
    ]
    late = [entry.told() for entry in star.result if "deadline missed" in entry.text]
    met = [entry for entry in star.result if "deadline met" in entry.text]
    return found + late + ([] if met else ["no deadline is told to be met"])


def _rows(star: Star) -> dict[str, str]:
    return {name: str(figure) for entry in star.result if "lost" in entry.figures for name, figure in entry.figures.items()}


def _listed(line: str) -> _Listed:
    return msgspec.json.decode(line, type=_Listed)


def _quiet(console: Console) -> int | None:
    return subprocess.DEVNULL if console.as_json else None


def _call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*words), check=False, capture_output=True, text=True, cwd=folder)  # noqa: S603


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "startrail", *words, "--profile", "demo"]
