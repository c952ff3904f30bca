"""The demo's story. Every number it tells is read back from the ledger or counted in the upstream files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from startrail import examples
from startrail.cli import story_incident, story_morning, story_numbers
from startrail.cli.console import Console
from startrail.model.delivery import Counts
from startrail.testing.upstream import Upstream

FIRST_DAY = 1
LAST_DAY = 3
_MORNING = "2026-10-{next:02d}T08:{minute:02d}:00+02:00"
_KILL_AFTER_STEPS = 6
_MARK = ".startrail-demo"
"""Says that a folder is the demo's own, to be made anew."""


class Ending(msgspec.Struct, frozen=True):
    """What the demo came to, for machines."""

    rows_sent: int
    counts: Counts
    revenue_eur: str
    true_revenue_eur: str
    report: str
    numbers: story_numbers.Told
    incident: story_incident.Told

    @property
    def ok(self) -> bool:
        """Every row is accounted for, and the report, the explained gap and the incident say what the generators know."""
        right = Decimal(self.revenue_eur) == Decimal(self.true_revenue_eur) and not self.numbers.wrong and not self.incident.wrong
        return self.rows_sent == self.counts.rows_in and right


def tell(folder: Path, console: Console) -> int:
    """Play the three days; returns the exit code of the command."""
    _clear(folder, console)
    (folder / "upstream").mkdir(parents=True)
    (folder / _MARK).touch()
    with Upstream(folder / "upstream") as upstream:
        os.environ.update(upstream.environment)  # the password, which the source names as env:SHOP_FTP_PASSWORD
        examples.write("shop", folder, days=FIRST_DAY, ftp_port=upstream.ftp_port, http_port=upstream.http_port)
        console.say(f"A small shop stands in {folder}: tills that write CSV files to an FTP server (port {upstream.ftp_port}),")
        console.say(
            f"a web shop with an HTTP API (port {upstream.http_port}), exchange rates in a folder. Its report is due at nine.\n"
        )
        for day in range(FIRST_DAY, LAST_DAY + 1):
            _title(console, f"Night {day}: the sales of 2026-10-{day:02d}, due the next morning at nine")
            if day > FIRST_DAY:
                examples.upstream_day(folder, day, drifted=day == LAST_DAY)
            if day == LAST_DAY:
                console.say("In the night the API has added a field and changed the type of another. Nobody was told.")
                _killed_run(console, folder, _MORNING.format(next=day + 1, minute=15))
                console.say("\nThe process is dead. The next run goes on from what is done:")
            code = _run(console, folder, _MORNING.format(next=day + 1, minute=20))
            if code:
                return code
        _title(console, "The incident")
        incident = story_incident.tell(folder, LAST_DAY, console)
        if isinstance(incident, int):
            return incident
        _title(console, "The morning after")
        code = story_morning.tell(folder, console)
        if code:
            return code
    _title(console, "Two numbers for one month")
    told = story_numbers.tell(folder / "revenue", console)
    return told if isinstance(told, int) else _close(folder, told, incident, console)


def _killed_run(console: Console, folder: Path, now: str) -> None:
    """Start a run and kill it (SIGKILL) after some steps, as an operating system out of memory would."""
    child = subprocess.Popen(_command(folder, now, "--json"), stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert child.stdout is not None
    finished = 0
    for line in child.stdout:
        event = json.loads(line)
        if event["type"] == "step_finished":
            finished += 1
            console.say(f"  done: {event['kind']} {event['subject']}")
        if finished == _KILL_AFTER_STEPS:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.wait()
    console.say(f"  killed with signal {-child.returncode} after {finished} steps, before anything was published")


def _run(console: Console, folder: Path, now: str) -> int:
    quiet = subprocess.DEVNULL if console.as_json else None
    return subprocess.run(_command(folder, now), check=False, stderr=quiet).returncode  # noqa: S603


def _clear(folder: Path, console: Console) -> None:
    """Make room for the demo: an earlier one is removed, anything else is left alone. Raises FolderTaken."""
    if (folder / _MARK).exists():
        console.say(f"{folder} holds an earlier demo; it is played again from the start.")
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise examples.FolderTaken(f"{folder} is not empty, and no demo made it", hint="give another folder: startrail demo DIR")


def _command(folder: Path, now: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "startrail", "run", "-C", str(folder), "--profile", "demo", "--now", now, *more]


def _facts(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "startrail", "ledger", "facts", "-C", str(folder), "--kind", kind, "--limit", "100000", "--json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    for line in found.stdout.splitlines():
        value = json.loads(line)
        if "payload" in value:
            yield json.loads(value["payload"]) | {"subject": value["subject"]}


def _close(folder: Path, told: story_numbers.Told, incident: story_incident.Told, console: Console) -> int:
    """The numbers, and whether they are right."""
    _title(console, "What happened, in figures")
    counts = sum((msgspec.convert(fact["counts"], Counts) for fact in _facts(folder, "delivery.loaded")), Counts())
    kept: dict[str, int] = {}
    for fact in _facts(folder, "delivery.loaded"):
        for name, rows in fact.get("kept", {}).items():
            kept[name] = kept.get(name, 0) + rows
    truth = examples.truth(folder)
    sent = sum(count.rows_in for count in truth.counts.values())
    console.say(f"  rows sent by the shops      {sent:>8,}   (as the generator knows them, without any SQL)")
    console.say(
        f"  rows in                     {counts.rows_in:>8,}   = {counts.loaded:,} loaded + {counts.quarantined:,} quarantined"
        f" + {counts.held:,} held + {counts.discarded:,} discarded"
    )
    console.say(f"  lost or doubled             {sent - counts.rows_in:>8,}")
    for name, rows in kept.items():
        console.say(f"  unknown field '{name}' kept in {rows:,} rows")
    revenue = _revenue(folder)
    console.say(f"  revenue in the report       {revenue} EUR; the generator's own sum is {truth.revenue_eur} EUR")
    path = ""
    for fact in _facts(folder, "report.delivered"):
        if fact["subject"] == "daily_sales":
            path = fact["path"]
            console.say(f"  {Path(path).name}: {fact['minutes_early']} minutes before its deadline at nine")
    console.say(f"  gap of 2026-10, explained   {told.gap_eur} EUR; unexplained {told.unexplained_eur}")
    figures = incident.figures
    console.say(
        f"  incident {incident.incident}           {figures['in']} rows in {figures['deliveries']} deliveries,"
        f" {figures['lost']} lost; mitigated by the policy"
    )
    console.say(f"\nThe report: {path}")
    console.say(f"The gap, as a page: {told.page}")
    console.say(f"Next: cd {folder} && startrail status, or: startrail query 'select * from marts.sales_daily'")
    ending = Ending(sent, counts, revenue, str(truth.revenue_eur), path, told, incident)
    console.result(ending)
    return 0 if ending.ok else 1


def _revenue(folder: Path) -> str:
    sql = "select sum(revenue_eur) as revenue from marts.sales_daily"
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "startrail", "query", sql, "-C", str(folder), "--format", "json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return str(json.loads(found.stdout.splitlines()[0])["revenue"])


def _title(console: Console, text: str) -> None:
    console.say(f"\n── {text} " + "─" * max(0, 76 - len(text)))
