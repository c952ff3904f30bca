"""Events as calm lines for people, on standard error.

One line per thing that happened; the parts of a build are one line. A progress bar only on a terminal, colour
only there and without ``NO_COLOR``. Rich (in ``bars``) is imported when the first bar is drawn, never for plain text.
"""

from __future__ import annotations

import os
import sys
from threading import RLock
from typing import TextIO

from startrail.base.text import printable
from startrail.base.units import show_size
from startrail.cli.bars import Bars, open_bars
from startrail.flow import events as e
from startrail.model.delivery import Counts
from startrail.model.table import WHOLE

_GREEN, _YELLOW, _RED, _DIM, _PLAIN = "32", "33", "31", "2", ""
_COLOURS = {
    "delivered": _GREEN, "sent": _GREEN, "published": _GREEN, "late": _RED, "failed": _RED, "at risk": _YELLOW, "paused": _YELLOW,
    "held": _YELLOW, "warning": _YELLOW,
    "retried": _YELLOW, "set aside": _YELLOW, "waiting": _YELLOW, "blocked": _YELLOW, "went on": _YELLOW,
    "missed": _RED, "skipped": _YELLOW, "missing": _RED, "refused": _RED,
}  # fmt: skip
_MOST_KEPT = 10
_MOST_TABLES = 4
_MOST_NAMES = 3
_NEWS = (
    e.Landed, e.Unpacked, e.ArchiveRefused, e.Copied, e.Growing, e.Loaded, e.Replayed, e.Adopted, e.NotAdopted,
    e.DeliveryHeld, e.Published, e.PublicationHeld,
    e.Sent, e.Delivered, e.StepFailed, e.Checked, e.BridgeChecked, e.MetricValued,
)  # fmt: skip
_WORTH_A_BAR = 4_000_000
"""Bytes; what is smaller is done before an eye finds its bar."""


class Renderer:
    """An ``Emit``. Safe to call from several threads; call :meth:`close` at the end."""

    def __init__(self, stream: TextIO | None = None, *, terminal: bool | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty() if terminal is None else terminal
        self._colour = self._terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._lock = RLock()
        self._bars: Bars | None = None
        self._builds: dict[str, list[e.StepFinished]] = {}
        """Finished builds whose line is still to come, by model."""
        self._quiet = True
        """Nothing has happened yet beyond looking."""
        self._found: set[str] = set()
        """Models of which a check has already been told."""

    def __call__(self, event: e.Event) -> None:
        with self._lock:
            if isinstance(event, e.Progress):
                self._progress(event)
                return
            if isinstance(event, e.StepFinished) and event.kind == "build":
                self._builds.setdefault(event.subject, []).append(event)
                return
            if not isinstance(event, e.StepStarted) or event.kind == "check":
                self._tell_builds(event.subject if isinstance(event, e.StepStarted) else None)
            self._tell(event)

    def close(self) -> None:
        """Write what is still to be written, and take the bars away."""
        with self._lock:
            self._tell_builds(None)
            if self._bars is not None:
                self._bars.close()
                self._bars = None

    # -- one kind of event after the other, in the order of a run ---------------------------------------
    def _tell(self, event: e.Event) -> None:
        if isinstance(event, _NEWS):
            self._quiet = False
        if self._bars is not None and isinstance(event, e.Loaded | e.DeliveryHeld):
            self._bars.done(printable(event.name, 40))
        match event:
            case e.RunStarted():
                self._line("run", f"{event.run}, profile {event.profile}")
            case e.RunAbandoned():
                self._line("went on", f"run {event.run} died; this run goes on from what it left")
            case e.Waiting():
                holder = event.holder.partition("/")[0]
                self._line("waiting", f"for {holder}, which works on this project; for {event.seconds:.0f} s at most")
            case e.Landed():
                unread = f"; its name {event.unread}" if event.unread else ""
                self._line("landed", f"{event.name}, {show_size(event.size)}{unread}", event.source)
            case e.Unpacked():
                known = f", {event.known} known before" if event.known else ""
                others = f"; left out, being no files: {', '.join(event.others)}" if event.others else ""
                self._line("unpacked", f"{event.name}: {event.files} new{known}{others}", event.source)
            case e.ArchiveRefused():
                self._line("refused", f"{event.name}: {event.code} {event.reason}", event.source)
            case e.Copied():
                self._line("copied", f"{event.name}, {show_size(event.size)}", event.source)
            case e.MessageSetAside():
                left = "left to the queue's dead letters" if event.left else "taken out of the queue"
                self._line("set aside", f"message {event.message}: {event.reason}; {left}", event.source)
            case e.Growing():
                self._line("growing", f"{event.name} is still being written; left for the next time", event.source)
            case e.Loaded():
                self._line("loaded", f"{event.name}: {balance(event.counts)}{_kept(event.kept)}", event.source)
            case e.DriftFound():
                found = event.finding
                promised = found.kind == "missing_optional"
                if event.first and found.verb == "accept" and not promised:  # the others are told with the rows or the hold
                    such = f": {found.sample}" if found.sample else ""
                    self._line("drift", f"{event.name}: {found.kind} at {found.path}, accepted{such}", event.source)
            case e.VersionReused():
                text = f"version {event.version} of its contract says something else than before; raise the version"
                self._line("warning", text, event.name)
            case e.Replayed():
                mended = f"; {_count(event.repaired, 'row')} repaired" if event.repaired else ""
                under = f"; under version {event.under}" if event.under is not None else ""
                self._line("replayed", f"{event.name}: {balance(event.counts)}{mended}{under}", event.source)
            case e.TableEvolved():
                columns = ", ".join(f"{name} {kind}" for name, kind in event.columns.items())
                self._line("evolved", f"{event.table} has now: {columns} (from {event.name})", event.source)
            case e.Adopted():
                self._line("adopted", f"{event.name}: {', '.join(event.fields)}; {balance(event.counts)}", event.source)
            case e.NotAdopted():
                self._line("waiting", f"{event.name}: {', '.join(event.fields)} not adopted: {event.reason}", event.source)
            case e.Withdrawn():
                self._line("withdrawn", f"{event.name}: {balance(event.counts)}; a new version took its place", event.source)
            case e.DriftAcknowledged():
                self._line("known", f"{event.kind} at {event.path} until {event.until}, by {event.by}", event.source)
            case e.Discarded():
                text = f"{_count(event.rows, 'row')} of delivery {event.delivery}, by {event.by}: {event.reason}"
                self._line("discarded", text, event.source)
            case e.DeliveryHeld():
                self._line("held", f"{event.name}: {event.reason}", event.source)
            case e.Checked():
                self._tell_check(event)
            case e.StepFinished():
                self._tell_step(event)
            case e.StepRetried():
                self._line(
                    "retried", f"{_step(event)}, attempt {event.attempt} failed: {_first_line(event.error)}", event.subject
                )
            case e.StepBlocked():
                self._line("blocked", f"{_step(event)} waits for what failed", event.subject)
            case e.StepFailed():
                self._line("failed", _step(event), event.subject)
                self._block(event.error)
            case e.Published():
                if event.tables:
                    self._line("published", f"{_listed(event.tables)} in one transaction")
            case e.PublicationHeld():
                if event.tables:
                    self._line("held", f"{_listed(event.tables)} not published; the last good data is still served")
                else:
                    self._line("held", "what is published already does not pass its checks")
                self._block(event.because)
            case e.HoldEnded():
                self._line("released", f"{_listed(event.tables)} no longer held: what was held is not wanted any more")
            case e.Sent():
                self._line("sent", f"{event.path}, {_count(event.rows, 'row')}", event.report)
            case e.Delivered():
                self._tell_delivered(event)
            case e.MetricValued():
                number = "none" if event.value is None else f"{event.value} {event.unit or ''}".rstrip()
                self._line("measured", f"{event.period or 'all time'}: {number}", event.metric)
            case e.BridgeChecked():
                self._tell_bridge(event)
            case e.LineageWaiting():
                lost = f"; {_count(event.lost, 'event')} given up" if event.lost else ""
                told = f"{_count(event.waiting, 'lineage event')} kept for the next run{lost}: {_first_line(event.reason)}"
                self._line("waiting" if event.waiting else "warning", told, event.receiver)
            case e.ReportAtRisk() | e.ReportLate():
                self._tell_forecast(event)
            case e.SourceSkipped():
                self._line("paused", f"not asked until {_minute(event.until)}: {event.reason}", event.subject)
            case e.SourceRenamed():
                shown = ", ".join(f"{file.old} is now {file.new}" for file in event.files[:_MOST_NAMES])
                self._line("renamed", _several(shown, event.count), event.subject)
            case e.SourceReplaced():
                shown = ", ".join(file.name for file in event.files[:_MOST_NAMES])
                self._line("replaced", f"{_several(shown, event.count)}: the same name, other bytes", event.subject)
            case e.SourceDeleted():
                shown = ", ".join(event.names[:_MOST_NAMES])
                self._line("deleted", f"{_several(shown, event.count)}: no longer at the source, kept here", event.subject)
            case e.SourceExpectedMissing():
                self._line("missing", f"{event.file}, expected by {_minute(event.due)}", event.subject)
            case e.SourceExpectedArrived(minutes_late=int(minutes)):
                self._line("arrived", f"{event.file}, {_count(minutes, 'minute')} after it was expected", event.subject)
            case e.WatchFailed():
                self._line("warning", f"the {event.subject} failed; the next run looks again: {_first_line(event.error)}")
            case e.ScheduleWatched():
                self._line("watching", f"{event.cron} {event.timezone}", event.subject)
            case e.ScheduleDropped():
                self._line("dropped", f"{event.cron} {event.timezone} is no longer declared", event.subject)
            case e.TickClaimed():
                again = f", taken over from run {event.takes_over}, which died" if event.takes_over else ""
                self._line("tick", f"due {_minute(event.at)}{again}", event.subject)
            case e.TickMissed() | e.TickSkipped():
                span = _minute(event.first) + (f" to {_minute(event.last)}" if event.count > 1 else "")
                verb = "missed" if isinstance(event, e.TickMissed) else "skipped"
                self._line(verb, f"{_count(event.count, 'tick')}, {span}: {event.reason}", event.subject)
            case e.TickEnded():
                if event.late is not None:
                    self._line("late", f"the tick of {_minute(event.at)} ended after its deadline", event.subject)
            case e.IncidentChanged():
                self._tell_incident(event)
            case e.AlertSent():
                waited = f" after {event.attempts} tries" if event.attempts > 1 else ""
                self._line("told", f"{event.action} of {printable(event.subject, 80)}{waited}", event.endpoint)
            case e.AlertFailed():
                self._line(
                    "warning", f"{event.action} of {printable(event.subject, 80)} {event.state}: {event.reason}", event.endpoint
                )
            case e.AlertsWaiting():
                self._line("waiting", f"alerts kept in the ledger: {_first_line(event.reason)}", event.subject)
            case e.RunEnded():
                self._line(event.state, _ending(event, self._quiet and event.state == "done"))
                if event.counts.quarantined or event.counts.held:
                    self._line("next", "startrail quarantine list shows what was refused, and why")
            case _:
                pass

    def _tell_builds(self, only: str | None) -> None:
        """One line per model; ``only`` one model's when that one is about to be checked."""
        for model in [only] if only is not None else list(self._builds):
            parts = self._builds.pop(model, [])
            if parts:
                seconds = sum(part.seconds for part in parts)
                rows = [part.rows for part in parts if part.rows is not None]
                names = sorted(part.partition for part in parts if part.partition != WHOLE)
                span = f"{names[0]} to {names[-1]}, " if len(names) > 1 else f"{names[0]}, " if names else ""
                count = f"{_count(len(parts), 'partition')}, " if len(parts) > 1 else ""
                self._line("built", f"{span}{count}{_count(sum(rows), 'row') if rows else 'a view'}, {seconds:.1f} s", model)

    def _tell_check(self, event: e.Checked) -> None:
        result = event.result
        self._found.add(event.subject)
        words = result.message or _count(result.failing, "row") + (" fails" if result.failing == 1 else " fail")
        self._line("failed" if result.severity == "error" else "warning", f"check {result.check}: {words}", event.subject)
        if result.sample not in ("", "[]"):
            self._block(f"for example {printable(result.sample, 400)}")

    def _tell_bridge(self, event: e.BridgeChecked) -> None:
        if not event.holds:
            verb = "failed" if event.severity == "error" else "warning"
            self._line(verb, f"bridge to {event.to} in {event.period}: {event.message}", event.metric)
        else:
            unit = f" {event.unit}" if event.unit else ""
            gap = "no number on either side" if event.gap is None else f"gap {event.gap}{unit}, from known causes only"
            self._line("bridged", f"to {event.to} in {event.period}: {gap}", event.metric)

    def _tell_step(self, event: e.StepFinished) -> None:
        if event.kind == "check" and event.subject not in self._found:
            self._line("checked", "every check passed", event.subject)
        if self._bars is not None:
            self._bars.done(event.subject)

    def _tell_delivered(self, event: e.Delivered) -> None:
        early = event.minutes_early
        where = f"{event.path}, {_count(event.rows, 'row')}"
        if early is None:
            self._line("delivered", where, event.report)
        elif early >= 0:
            self._line("delivered", f"{where}; arrived {_count(early, 'minute')} before its deadline", event.report)
        else:
            self._line("late", f"{where}; arrived {_count(-early, 'minute')} after its deadline", event.report)

    def _tell_forecast(self, event: e.ReportAtRisk | e.ReportLate) -> None:
        due = f"due {_minute(event.due)}"
        when = f", expected {_minute(event.expected)}" if event.expected else ""
        waits = f"; waits for {'; '.join(event.waits)}" if event.waits else ""
        told = "at risk" if isinstance(event, e.ReportAtRisk) else "late"
        self._line(told, f"{due}{when}{waits}", event.report)

    def _tell_incident(self, event: e.IncidentChanged) -> None:
        words = {"opened": "incident", "reopened": "incident", "escalated": "incident", "resolved": "resolved"}
        if event.change in words and event.severity != "info":
            standing = f"{event.severity}, {event.state}" if event.change != "resolved" else event.reason
            self._line(words[event.change], f"{event.title} ({standing})", event.incident)

    def _progress(self, event: e.Progress) -> None:
        small = event.unit == "bytes" and 0 < event.total < _WORTH_A_BAR
        if self._terminal and not small:
            if self._bars is None:
                self._bars = open_bars(self._stream, self._colour)
            self._bars.update(printable(event.subject, 40), event.done, event.total, event.unit)

    # -- writing ---------------------------------------------------------------------------------------
    def _line(self, verb: str, text: str, subject: str = "") -> None:
        padded = f"{verb:<10}"
        if self._colour and _COLOURS.get(verb):
            padded = f"\x1b[{_COLOURS[verb]}m{padded}\x1b[0m"
        name = f"{printable(subject, 60):<24} " if subject else ""
        self._write(f"{padded} {name}{printable(text, 1000)}")

    def _block(self, text: str) -> None:
        """An error in full, or an example, below its line."""
        for line in text.splitlines():
            self._write(f"{'':<10} {printable(line, 2000)}")

    def _write(self, line: str) -> None:
        if self._bars is not None:
            self._bars.above(line)
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()


def balance(counts: Counts) -> str:
    """Where the rows went, as a sum: ``263 rows in = 256 loaded + 7 quarantined``."""
    parts = [
        (counts.loaded, "loaded"),
        (counts.quarantined, "quarantined"),
        (counts.held, "held"),
        (counts.discarded, "discarded"),
    ]
    told = [f"{number:,} {word}" for number, word in parts if number] or ["0 loaded"]
    return f"{_count(counts.rows_in, 'row')} in = " + " + ".join(told)


def _kept(kept: dict[str, int]) -> str:
    """Undeclared fields, a few of them by name."""
    told = "".join(f"; kept unknown field {name} of {_count(kept[name], 'row')}" for name in list(kept)[:_MOST_KEPT])
    return told + (f"; and {_count(len(kept) - _MOST_KEPT, 'more unknown field')}" if len(kept) > _MOST_KEPT else "")


def _ending(event: e.RunEnded, quiet: bool) -> str:
    if quiet:
        return f"nothing to do: everything is up to date ({_count(event.skipped, 'step')} done before)"
    before = f", {event.skipped:,} were done before" if event.skipped else ""
    rows = f"; {balance(event.counts)}" if event.counts.rows_in else ""
    return f"{_count(event.steps, 'step')}{before}{rows}"


def _step(event: e.StepFailed | e.StepRetried | e.StepBlocked) -> str:
    unnamed = event.partition in ("", WHOLE) or event.kind == "land"  # its partition is the run itself
    return event.kind if unnamed else f"{event.kind} {event.partition}"


def _listed(tables: tuple[str, ...]) -> str:
    more = f" and {len(tables) - _MOST_TABLES} more" if len(tables) > _MOST_TABLES else ""
    return f"{_count(len(tables), 'table')}: {', '.join(tables[:_MOST_TABLES])}{more}" if tables else "no table"


def _several(shown: str, count: int) -> str:
    return shown + (f" and {count - _MOST_NAMES:,} more" if count > _MOST_NAMES else "")


def _minute(instant: str) -> str:
    """``2026-10-03T06:00:00.000000Z`` -> ``2026-10-03 06:00 UTC``."""
    return f"{instant[:16].replace('T', ' ')} UTC"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
