"""Records that did not pass: those the judge refuses, those it saves, and what was seen on the way."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from pathlib import Path

import msgspec

from startrail.adapters.loader.blocks import KEPT, LONGEST, Record, too_long
from startrail.base.text import printable
from startrail.model.drift import DriftKind
from startrail.ports.loader import EXTRA, ORDINAL, Drift, FieldJudge, Judge, Judged, Redo, Violation

_EXTRA = msgspec.json.Decoder(dict[str, msgspec.Raw])
_INDEX = re.compile(r"\[[0-9]+\]")
_MOST_KNOWN = 4096
_LONGEST_KNOWN = 256


class Rejected(msgspec.Struct, frozen=True):
    """One line of the file of refused records."""

    ordinal: int
    raw: str
    violations: str


class _Known(msgspec.Struct, frozen=True):
    judged: Judged
    text: str
    """Of the violations."""


class Aside:
    """Two growing files of JSON lines, and tallies of bounded size. ``ordinals`` are those it has decided, in order
    of decision."""

    def __init__(self, folder: Path, judge: Judge, redo: Redo | None = None) -> None:
        self.ordinals = array("q")
        self.saved = folder / "saved.ndjson"
        self.refused = folder / "refused.ndjson"
        self.saved_rows = 0
        self.refused_rows = 0
        self.mended_rows = 0
        self.discarded_rows = 0
        self.malformed = 0
        """Ordinal of the last record that is not JSON at all."""
        self.kept: dict[str, int] = {}
        self.whole: list[Drift] = []
        """What was seen of the delivery as such."""
        self._samples: dict[str, str] = {}
        self._judge = judge
        self._redo = redo or Redo()
        self._fields = judge.fields if isinstance(judge, FieldJudge) and self._redo.mend is None else None
        self._known: dict[tuple[bytes, tuple[str, ...]], _Known | None] = {}
        """What was decided by fields alone, or could not be; the same departure is often there many times."""
        self._drift: dict[tuple[DriftKind, str], tuple[int, str]] = {}
        self._encode: Callable[[object], bytes] = msgspec.json.Encoder().encode
        self._saved = self.saved.open("wb")
        self._refused = self.refused.open("wb")

    def decide(self, ordinal: int, record: Record, *, tally: bool = True) -> tuple[str, ...]:
        """Let the judge decide, and write the record down accordingly; returns the paths of its unknown fields.
        ``tally`` False: they, and the defaults that the record takes, are counted elsewhere."""
        if ordinal in self._redo.discarded:
            self.ordinals.append(ordinal)
            self.discarded_rows += 1
            return ()
        if record.broken is not None:
            self.refuse(ordinal, record, (record.broken,))
            return ()
        if len(record.line) > LONGEST:
            self.refuse(ordinal, record, (too_long(len(record.line)),))
            return ()
        judged = self._judge(record.line)
        if judged.violations and self._redo.mend is not None:
            mended = self._redo.mend(ordinal, record.line, judged.violations)
            if mended is not None:
                judged = self._judge(mended)
                self.mended_rows += not judged.violations
        self._tell(judged, tally)
        if judged.violations:
            self.refuse(ordinal, record, judged.violations)
            return judged.unknown
        head = b'{"%s":%d,' % (ORDINAL.encode(), ordinal)
        extra = b"" if judged.extra is None else b'"%s":%s,' % (EXTRA.encode(), self._encode(judged.extra))
        line = head + extra + judged.record[1:] + b"\n"
        if len(line) > LONGEST:  # what is quoted twice has grown
            self.refuse(ordinal, record, (too_long(len(line)),))
            return judged.unknown
        self.ordinals.append(ordinal)
        self.saved_rows += 1
        self._saved.write(line)
        return judged.unknown

    def decide_fields(
        self, ordinal: int, members: bytes, doubtful: tuple[str, ...], raw: Callable[[], bytes], *, tally: bool = True
    ) -> bool:
        """The same by the doubtful fields alone, as :class:`FieldJudge` has it; False when that does not decide it."""
        if self._fields is None or ordinal in self._redo.discarded:
            return False
        key = members, doubtful
        found = self._known[key] if key in self._known else self._look(self._fields, key)
        if found is None:
            return False
        self._tell(found.judged, tally)
        self._refuse(ordinal, raw(), found.judged.violations, found.text)
        return True

    def _look(
        self, judge: Callable[[bytes, tuple[str, ...]], Judged | None], key: tuple[bytes, tuple[str, ...]]
    ) -> _Known | None:
        judged = judge(*key)
        found = None if judged is None else _Known(judged, self._text_of(judged.violations))
        if len(key[0]) <= _LONGEST_KNOWN:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = found
        return found

    def refuse(self, ordinal: int, record: Record, violations: tuple[Violation, ...]) -> None:
        self._refuse(ordinal, record.raw, violations, self._text_of(violations))

    def _refuse(self, ordinal: int, raw: bytes, violations: tuple[Violation, ...], told: str) -> None:
        self.ordinals.append(ordinal)
        self.refused_rows += 1
        if violations[0].rule == "malformed" and violations[0].path == "$":
            self.malformed = ordinal
        for violation in violations:
            self._note(violation)
        text = raw[:KEPT].decode(errors="backslashreplace")
        self._refused.write(self._encode(Rejected(ordinal, text, told)) + b"\n")

    def _text_of(self, violations: tuple[Violation, ...]) -> str:
        return self._encode(violations).decode()

    def _tell(self, judged: Judged, tally: bool) -> None:
        for path in judged.unknown if tally else ():
            self.keep(path, sample=self._sample(path, judged.extra))
        for violation in judged.noted:
            if tally or violation.rule != "defaulted":
                self._note(violation)

    def keep(self, path: str, rows: int = 1, sample: str = "") -> None:
        """An undeclared field was seen. Past a thousand names the rest is one."""
        name = path.removeprefix("$.")
        if name not in self.kept and len(self.kept) >= 1000:
            name = "(others)"
        self.kept[name] = self.kept.get(name, 0) + rows
        if sample:
            self._samples.setdefault(name, sample)

    def taken(self, defaults: list[Drift]) -> None:
        """Defaults that records took without the judge."""
        for drift in defaults:
            rows, sample = self._drift.get((drift.kind, drift.path), (0, drift.sample))
            self._drift[drift.kind, drift.path] = (rows + drift.rows, sample)

    def drift(self) -> tuple[Drift, ...]:
        """What was seen, the most frequent first."""
        found = [Drift(kind, path, rows, sample) for (kind, path), (rows, sample) in self._drift.items()]
        found = [drift for drift in found if drift.kind != "new_field"]
        found += [Drift("new_field", f"$.{name}", rows, self._samples.get(name, "")) for name, rows in self.kept.items()]
        found += self.whole
        return tuple(sorted(found, key=lambda drift: (-drift.rows, drift.path)))

    def flush(self) -> None:
        self._saved.flush()
        self._refused.flush()

    def close(self) -> None:
        self._saved.close()
        self._refused.close()

    def _sample(self, path: str, extra: str | None) -> str:
        """The first value of a new field at the top level."""
        name = path.removeprefix("$.")
        if extra is None or name in self._samples or len(self._samples) >= 1000 or len(extra) > KEPT:
            return ""
        value = _EXTRA.decode(extra).get(name)
        return "" if value is None else printable(bytes(value).decode(), 120)

    def _note(self, violation: Violation) -> None:
        path = violation.path
        key = (violation.rule, _INDEX.sub("[]", path) if "[" in path else path)
        if key not in self._drift and len(self._drift) >= 1000:
            key = (violation.rule, "$")
        rows, sample = self._drift.get(key, (0, violation.got))
        self._drift[key] = (rows + 1, sample)
