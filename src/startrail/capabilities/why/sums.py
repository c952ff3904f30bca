"""Sums, counts, averages and ratios: every mixture is a sum over classes, or a quotient of two."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from startrail.capabilities.why.classes import Cell, Frame, Key, Table, chosen
from startrail.capabilities.why.errors import NoGap
from startrail.capabilities.why.numbers import Parts, Piece
from startrail.capabilities.why.steps import Steps, middle, plain, quotient
from startrail.lineage.gap.query import Measure
from startrail.model.metric import Metric


class Sums:
    """Raises NoGap when a mixture has nothing to divide by."""

    additive = True

    def __init__(self, frame: Frame, table: Table, metric: Metric) -> None:
        self.frame, self.table = frame, table
        self.totals = [_totals(frame, table.cells[()], measure) for measure in frame.query.measures]
        self.values = self._values(metric)
        self.moved = [0] * frame.count
        for cell in table.cells[()]:
            for cause in frame.moved(cell):
                self.moved[cause] += cell.rows
        self._pieces: list[dict[Key, Piece]] | None = None

    def pieces(self, cause: int) -> Mapping[Key, Piece]:
        """Shares of the same kind as the cause's own, of the rows of one segment."""
        if self._pieces is None:
            self._pieces = self._all_pieces()
        return self._pieces[cause]

    def parts(self) -> Mapping[frozenset[int], Parts]:
        """Rows of two times or tables have no classes in common: there is no partition of them."""
        frame = self.frame
        weights = self._weights()
        if frame.data is not None or weights is None:
            return {}
        found: dict[frozenset[int], Parts] = {}
        for cell in self.table.cells[()]:
            causes = frame.moved(cell)
            if causes:
                changes = [self._change(cell, measure, frame.coalitions.full) for measure in frame.query.measures]
                known = found.get(causes, Parts(Fraction(0), 0))
                amount = sum((weight * change for weight, change in zip(weights, changes, strict=True)), Fraction(0))
                found[causes] = Parts(known.amount + amount, known.rows + cell.rows)
        return found

    def gross(self, cause: int) -> tuple[Fraction, Fraction] | None:
        """What a cause brings in and takes away, swapped alone; only of sums over the same rows."""
        frame = self.frame
        if len(frame.query.measures) != 1 or cause == frame.data:
            return None
        measure, came, went = frame.query.measures[0], 0, 0
        for cell in self.table.cells[()]:
            before, after = (frame.output(cell, measure, mixture) for mixture in (0, 1 << cause))
            if before is not None and after is not None and before != after:
                at = 2 * measure.causes.index(cause)
                came, went = came + cell.moves[at], went + cell.moves[at + 1]
            elif before is None and after is not None:
                came += cell.sums[after]
            elif after is None and before is not None:
                went -= cell.sums[before]
        return Fraction(came, self.table.unit), Fraction(went, self.table.unit)

    def undated(self, cause: int) -> Fraction:
        """What a cause, swapped alone, moves of rows that have no moment on one side."""
        frame = self.frame
        if frame.query.unknown is None:
            return Fraction(0)
        measure, total = frame.query.measures[0], 0
        for cell in self.table.cells[()]:
            no_a, no_b = (cell.bits >> bit & 1 for bit in frame.query.unknown)
            before, after = (frame.output(cell, measure, mixture) for mixture in (0, 1 << cause))
            if before is None and after is not None and no_a:
                total += cell.sums[after]
            elif after is None and before is not None and no_b:
                total -= cell.sums[before]
        return Fraction(total, self.table.unit)

    def _values(self, metric: Metric) -> dict[int, Fraction]:
        if len(self.totals) == 1:
            return {mixture: Fraction(total, self.table.unit) for mixture, total in self.totals[0].items()}
        over, under = self.totals
        if not all(under.values()):
            raise NoGap(
                f"a mixture of the two definitions of this {metric.agg} has nothing to divide by",
                at=metric.span,
                affects="no line of the gap is given",
                hint="compare numerator and denominator as metrics of their own",
            )
        return {mixture: Fraction(over[mixture], under[mixture]) for mixture in over}

    def _weights(self) -> tuple[Fraction, ...] | None:
        """What a change of each measure counts between the two ends."""
        if len(self.totals) == 1:
            return (Fraction(1, self.table.unit),)
        over, under = self.totals
        full = self.frame.coalitions.full
        return middle((over[0], under[0]), (over[full], under[full]))

    def _change(self, cell: Cell, measure: Measure, mixture: int) -> int:
        before, after = (self.frame.output(cell, measure, each) for each in (0, mixture))
        return (cell.sums[after] if after is not None else 0) - (cell.sums[before] if before is not None else 0)

    def _steps(self) -> tuple[Steps, ...] | None:
        coalitions = self.frame.coalitions
        if len(self.totals) == 1:
            return (plain(coalitions, self.table.unit),)
        return quotient(coalitions, *self.totals)

    def _all_pieces(self) -> list[dict[Key, Piece]]:
        frame, steps = self.frame, self._steps()
        if steps is None or len(self.table.cells) < 2:
            return [{} for _ in range(frame.count)]
        known: dict[tuple[int, int], list[tuple[int, dict[int, int]]]] = {}
        sizes = {key: sum(cell.rows for cell in cells) for key, cells in self.table.cells.items()}
        found: list[dict[Key, Piece]] = [{} for _ in range(frame.count)]
        for key, cells in self.table.cells.items():
            amounts, moved = [0] * frame.count, [0] * frame.count
            for cell in cells:
                kind = (cell.bits, cell.side)
                if kind not in known:
                    known[kind] = _counts(frame, cell, steps)
                for cause, counts in known[kind]:
                    amounts[cause] += sum(count * cell.sums[place] for place, count in counts.items())
                for cause in frame.moved(cell):
                    moved[cause] += cell.rows
            for cause in range(frame.count):
                found[cause][key] = Piece(Fraction(amounts[cause], steps[0].over[cause]), moved[cause], sizes[key])
        return found


def _counts(frame: Frame, cell: Cell, steps: tuple[Steps, ...]) -> list[tuple[int, dict[int, int]]]:
    """Of each cause that matters: what each of a cell's sums counts, over all measures."""
    found = []
    for cause in range(frame.count):
        counts: dict[int, int] = {}
        for measure, each in zip(frame.query.measures, steps, strict=True):
            counts |= frame.changes(cell, measure, each, cause)
        if counts:
            found.append((cause, counts))
    return found


def _totals(frame: Frame, cells: list[Cell], measure: Measure) -> dict[int, int]:
    """The sum of a measure in every mixture, in whole units."""
    sides = [[(cell.bits, cell.sums) for cell in cells if cell.side == side] for side in (0, 1)]
    found = {}
    for mixture in frame.coalitions.mixtures:
        mask, place = frame.mask(mixture), measure.at + chosen(measure.causes, mixture)
        found[mixture] = sum(sums[place] for bits, sums in sides[frame.side(mixture)] if bits & mask == mask)
    return found
