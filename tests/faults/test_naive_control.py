"""The harness is worth something only if it catches a pipeline that is wrong: the same kills, the same invariants."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests.faults.child import LIVES, Death, naive
from tests.faults.figures import record
from tests.faults.invariants import Broken, Tables, differences, require_equal, require_whole
from tests.faults.naive import look
from tests.faults.process import Ended, process

from startrail import examples
from startrail.base.crash import POINTS


def run(folder: Path, death: Death = LIVES) -> Ended:
    with process(naive, death, folder) as child:
        return child.ended()


def test_the_naive_pipeline_breaks_under_the_same_kills(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    saved, folder = tmp_path / "saved", tmp_path / "naive"
    examples.write("shop", saved, days=1)
    assert run(saved).code == 0
    before = look(saved)
    examples.upstream_day(saved, 2)
    shutil.copytree(saved, folder)
    undisturbed = run(folder)
    assert undisturbed.code == 0, undisturbed.errors
    assert set(undisturbed.passed) == set(POINTS)
    after = look(folder)
    broken: dict[str, Broken] = {}
    for point in POINTS:
        shutil.rmtree(folder)
        shutil.copytree(saved, folder)
        assert run(folder, Death(point)).code == -signal.SIGKILL
        try:
            require_whole(look(folder), before, after)
        except Broken as error:
            broken[f"dead at {point}"] = error
        assert run(folder).code == 0
        try:
            require_equal(look(folder), after)
        except Broken as error:
            broken[f"resumed from {point}"] = error
    figures = {
        "torn_reads": sum(error.torn for error in broken.values()),
        "rows_doubled": sum(error.doubled for error in broken.values()),
        "rows_lost": sum(error.lost for error in broken.values()),
    }
    record(request, "naive pipeline", kills=len(POINTS), **figures)
    assert "resumed from after stage" in broken
    assert "dead at between metadata of two tables" in broken
    assert figures["torn_reads"] > 3
    assert figures["rows_doubled"] > 100


def test_a_lost_row_a_doubled_row_and_a_torn_read_are_told_apart() -> None:
    before = tables(sales=["a"], daily=["1"])
    after = tables(sales=["a", "b"], daily=["2"])
    assert require_whole(before, before, after) == "before"
    assert require_whole(after, before, after) == "after"
    with pytest.raises(Broken, match="daily is as before, sales is as after") as torn:
        require_whole(tables(sales=["a", "b"], daily=["1"]), before, after)
    assert torn.value.torn == 1
    with pytest.raises(Broken, match="sales is as never"):
        require_whole(tables(sales=["b"], daily=["2"]), before, after)
    with pytest.raises(Broken) as wrong:
        require_equal(tables(sales=["a", "a"], daily=["2"]), after)
    assert (wrong.value.lost, wrong.value.doubled) == (1, 1)
    assert differences({}, tables(empty=[])), "a table that is gone is not the same as one without rows"


def tables(**rows: list[str]) -> Tables:
    return {name: Counter(values) for name, values in rows.items()}
