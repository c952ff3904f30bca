"""Law 2: every row has exactly one disposition, and those called loaded are in the files."""

from __future__ import annotations

import pytest

from startrail.flow.errors import Unconserved
from startrail.flow.publish import assert_conserved
from startrail.model.delivery import Counts
from startrail.model.step import StepOutput
from startrail.model.table import DataFile, TableChange, TableName, TableSchema


def loaded(rows: int, counts: Counts) -> StepOutput:
    change = TableChange(TableName("raw", "orders"), TableSchema(()), (DataFile("k", rows, 1, "d1"),), ("d1",))
    return StepOutput(changes=(change,), counts=counts)


def test_rows_that_add_up_and_lie_in_the_files_pass() -> None:
    assert_conserved([loaded(7, Counts(10, 7, 2, 0, 1)), StepOutput()])


@pytest.mark.parametrize("counts", [Counts(10, 7, 2), Counts(9, 7, 2, 0, 1), Counts(7, 7, 0, 1)])
def test_rows_that_do_not_add_up_stop_the_publication(counts: Counts) -> None:
    with pytest.raises(Unconserved, match="rows in, but 7 loaded"):
        assert_conserved([loaded(7, counts)])


def test_loaded_rows_that_no_file_holds_stop_the_publication() -> None:
    with pytest.raises(Unconserved, match=r"7 loaded \(6 in files\)"):
        assert_conserved([loaded(6, Counts(7, 7))])
