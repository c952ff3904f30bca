"""The demo's last question: two departments disagree by a round sum, and ``why`` says what makes it, to the cent."""

from __future__ import annotations

import csv
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import msgspec

from startrail import examples
from startrail.cli.console import Console

_MONTH = "2026-10"
_NOW = "2026-11-09T10:00:00+01:00"
_FINANCE, _MARKETING = "finance.net_revenue", "marketing.revenue"
_PAGE = f"delivered/why_{_MONTH}.html"
_EVIDENCE = "evidence"


class Told(msgspec.Struct, frozen=True):
    """What was explained, and whether it is what the generator knows."""

    gap_eur: str
    unexplained_eur: str
    page: str
    wrong: tuple[str, ...] = ()
    """What differs from the truth; none."""


class Line(msgspec.Struct, frozen=True):
    """A cause, as `why --json` gives it."""

    cause: str
    amount: Decimal


class Answer(msgspec.Struct, frozen=True):
    """What the demo reads of `why --json`."""

    value_a: Decimal
    value_b: Decimal
    gap: Decimal
    unexplained: Decimal
    lines: tuple[Line, ...]


def tell(folder: Path, console: Console) -> Told | int:
    """Play it in a project of its own; an exit code stands for a command that did not do as it should."""
    examples.write("revenue", folder)
    console.say(f"Five weeks on, in another house: a roastery, in {folder}. Its two departments both report October.")
    done = _call(folder, "run", "--now", _NOW)
    if done.returncode:
        console.say(done.stderr)
        return done.returncode
    console.say(f"$ startrail run\n{done.stderr.splitlines()[-1]}")
    for name in ("finance", "marketing"):
        console.say(f"  delivered/{name}_monthly.csv says for {_MONTH}: {_reported(folder, name):>12,} EUR")
    console.say("Both reports are right, each by its own definition. Which difference between the two makes how much?")
    words = ("why", _FINANCE, _MARKETING, "--period", _MONTH)
    more = ("--verify", "--evidence", _EVIDENCE, "--html", _PAGE)
    console.say("$ startrail " + " ".join([*words, *more]))
    quiet = subprocess.DEVNULL if console.as_json else None
    shown = subprocess.run(_command(*words, *more), cwd=folder, check=False, stdout=quiet, stderr=quiet)  # noqa: S603
    if shown.returncode:
        return shown.returncode
    found = _call(folder, *words, "--json")
    if found.returncode:
        return found.returncode
    answer = msgspec.json.decode(found.stdout.splitlines()[-1], type=Answer)
    told = Told(str(answer.gap), str(answer.unexplained), str(folder / _PAGE), tuple(differences(folder, answer)))
    for each in told.wrong:
        console.say(f"  WRONG: {each}")
    if not told.wrong:
        console.say(
            f"  The generator, which knows no SQL, planted these {len(answer.lines)} differences: each is found to the cent."
        )
    return told


def differences(folder: Path, answer: Answer) -> list[str]:
    """Where the explanation is not what was planted, or the reports say something else."""
    truth = examples.revenue_truth()
    planted = truth.causes
    explained = {line.cause: line.amount for line in answer.lines}
    pairs: list[tuple[str, object, object]] = [
        (_FINANCE, answer.value_a, truth.finance),
        (_MARKETING, answer.value_b, truth.marketing),
        ("the report of Finance", _reported(folder, "finance"), truth.finance),
        ("the report of Marketing", _reported(folder, "marketing"), truth.marketing),
        ("the gap", answer.gap, truth.gap),
        ("what is unexplained", answer.unexplained, 0),
        *((name, explained.get(name), planted.get(name)) for name in sorted({*explained, *planted})),
    ]
    return [f"{what} is {found}, but {true} in truth" for what, found, true in pairs if found != true]


def _reported(folder: Path, name: str) -> Decimal:
    with (folder / "delivered" / f"{name}_monthly.csv").open(encoding="utf-8", newline="") as file:
        return next(Decimal(row["revenue"]) for row in csv.DictReader(file) if row["month"].startswith(_MONTH))


def _call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*words), check=False, capture_output=True, text=True, cwd=folder)  # noqa: S603


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "startrail", *words]
