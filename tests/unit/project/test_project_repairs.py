"""Files of repairs: read strictly, each error at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.project.test_project_load import FILES, problems_of, write

from startrail.base.errors import StartrailError
from startrail.model.repair import CastValue, SetValue
from startrail.project import errors
from startrail.project.load import read_project

NAME = "contracts/repairs/orders_api.yml"
GOOD = """steps:
  - set: {path: $.id, value: 7}
    where: {rule: wrong_type, path: $.id}
    reason: the producer says so
  - cast: {path: "$.items[].day", to: date, pattern: "%d/%m/%Y"}
    where: {delivery: abc, ordinals: [1, 12]}
"""


def test_a_file_of_repairs_belongs_to_its_source(tmp_path: Path) -> None:
    project = read_project(write(tmp_path, {**FILES, NAME: GOOD}))
    repairs = project.repairs["orders_api"]
    assert [step.action for step in repairs.steps] == [
        SetValue("$.id", 7),
        CastValue("$.items[].day", "date", pattern="%d/%m/%Y"),
    ]
    assert str(repairs.steps[0]) == "set $.id to 7 where rule wrong_type, path $.id"
    assert len(repairs.digest) == 64


def test_reasons_and_layout_do_not_count_as_a_change(tmp_path: Path) -> None:
    first = read_project(write(tmp_path, {**FILES, NAME: GOOD})).repairs["orders_api"]
    other = GOOD.replace("says so", "insists").replace("steps:", "# why\nsteps:")
    second = read_project(write(tmp_path, {NAME: other})).repairs["orders_api"]
    assert first.fingerprint == second.fingerprint
    third = read_project(write(tmp_path, {NAME: GOOD.replace("value: 7", "value: 8")})).repairs["orders_api"]
    assert third.fingerprint != first.fingerprint


W = "\n    where: {rule: wrong_type}\n"


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("", errors.WrongType, ":1:1"),
        ("steps:\n  - set: {path: $.a, value: 1}\n", errors.MissingKey, ":2:5"),
        ("steps:\n  - set: {path: $.a, value: 1}\n    where: {}\n", errors.BadValue, ":3:12"),
        ("steps:\n  - set: {path: $.a, value: 1}\n    where: {ordinals: [1]}\n", errors.BadValue, ":3:12"),
        ("steps:\n  - set: {path: $.a, value: 1}\n    where: {rule: wrong_typ}\n", errors.UnknownWord, ":3:19"),
        ("steps:\n  - set: {path: a, value: 1}" + W, errors.BadValue, ":2:17"),
        ("steps:\n  - set: {path: $.a, value: 1}\n    remove: {path: $.b}" + W, errors.BadValue, ":2:5"),
        ("steps:\n  - where: {rule: wrong_type}\n", errors.BadValue, ":2:5"),
        ("steps:\n  - drop: {path: $.a}" + W, errors.UnknownKey, ":2:5"),
        ("steps:\n  - cast: {path: $.a, to: date}" + W, errors.BadValue, ":2:11"),
        ('steps:\n  - cast: {path: $.a, to: date, pattern: "%Q"}' + W, errors.BadValue, ":2:42"),
        ("steps:\n  - cast: {path: $.a, to: text, rounding: up}" + W, errors.BadValue, ":2:43"),
    ],
)
def test_what_a_step_cannot_mean_is_refused_at_its_place(
    text: str, kind: type[StartrailError], place: str, tmp_path: Path
) -> None:
    (found, *_) = problems_of(tmp_path, {NAME: text})
    assert isinstance(found, kind), found
    assert str(found.at) == NAME + place


def test_repairs_of_no_source_are_refused(tmp_path: Path) -> None:
    (found,) = problems_of(tmp_path, {"contracts/repairs/order_api.yml": GOOD})
    assert isinstance(found, errors.UnknownReference)
    assert "orders_api" in (found.hint or "")


def test_a_file_that_nobody_reads_is_still_found_beside_them(tmp_path: Path) -> None:
    (found,) = problems_of(tmp_path, {"contracts/repairs/deep/x.yml": GOOD})
    assert isinstance(found, errors.FileIgnored)
