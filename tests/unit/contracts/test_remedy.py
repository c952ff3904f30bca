"""For each rule at most one change that lets the rows in: in the contract, or as a repair; or the reason why there is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from startrail.capabilities.contracts.exact import JsonNumber
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.quarantine.repair import RepairMender
from startrail.capabilities.contracts.remedies.evidence import Evidence, Witness, together
from startrail.capabilities.contracts.remedies.patch import _entries
from startrail.capabilities.contracts.remedies.remedy import Remedy, field_at, remedies, remedy
from startrail.capabilities.contracts.remedies.writings import only_pattern, shape_of
from startrail.model.contract import Contract, Field
from startrail.model.drift import VERBS, DriftKind
from startrail.model.repair import Repairs
from startrail.model.types import Primitive
from startrail.project.odcs import read_contract
from startrail.project.yaml_write import block

TEXT = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: string, primaryKey: true}
      - {name: kind, logicalType: string, required: true, enum: [{value: sale}]}
      - {name: size, logicalType: integer, enum: [{value: 1}]}
      - {name: store, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 5}}
      - {name: price, logicalType: number, physicalType: "decimal(9,2)", logicalTypeOptions: {exclusiveMinimum: 0, maximum: 9.5}}
      - {name: day, logicalType: date, logicalTypeOptions: {minimum: 2026-01-01}}
      - {name: at, logicalType: timestamp}
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: "^A[0-9]$"}}
      - {name: pieces, logicalType: integer}
      - {name: paid, logicalType: boolean}
      - name: items
        logicalType: array
        items:
          logicalType: object
          properties:
            - {name: sku, logicalType: string, required: true, logicalTypeOptions: {maxLength: 3}}
"""
GOOD: dict[str, Any] = {"id": "1", "kind": "sale", "items": []}


def contract(text: str = TEXT) -> Contract:
    found = read_contract(text.encode(), "contracts/orders.odcs.yml", [])
    assert found is not None
    return found


def evidence(*records: dict[str, Any], closed: bool = False, of: int = 99) -> tuple[Evidence, ...]:
    """What the records show that the judge refuses."""
    witness = Witness(RecordJudge(contract(), closed=closed))
    rows: dict[tuple[DriftKind, str], int] = {}
    for record in records:
        assert witness(msgspec.json.encode(GOOD | record)).violations
    for key in witness.values:
        rows[key] = len(records)
    return tuple(Evidence(*key, rows[key], of, tuple(values.values())) for key, values in witness.values.items())


def lets_in(found: Remedy, *records: dict[str, Any]) -> bool:
    """Whether the records keep the changed contract, or the contract once they are repaired."""
    text = TEXT if found.change is None else found.change(TEXT)
    assert found.change is None or text != TEXT
    judge = RecordJudge(contract(text), closed=True)
    mend = RepairMender(Repairs("orders", (found.step,) if found.step else (), contract().span), "d")
    for record in records:
        raw = msgspec.json.encode({name: value for name, value in (GOOD | record).items() if value is not ...})
        violations = judge(raw).violations
        if violations and judge(mend(1, raw, violations) or raw).violations:
            return False
    return True


@pytest.mark.parametrize(
    ("records", "what"),
    [
        ([{"kind": "refund"}, {"kind": "no"}], "refund, no"),
        ([{"size": 2}], "2"),
        ([{"store": "x"}, {"store": "much longer"}], "minLength 1, maxLength 11"),
        ([{"price": "0"}, {"price": "-0.25"}], "minimum -0.25"),
        ([{"price": 12}], "maximum 12"),
        ([{"day": "2025-12-31"}], "minimum 2025-12-31"),
        ([{"kind": None}], "$.kind need not be there"),
        ([{"code": "SHOP-12"}, {"code": "SHOP-1"}], "[A-Z]{4}-[0-9]{1,2}"),
        ([{"items": [{"sku": "a"}, {"sku": "long"}]}], "$.items[].sku: maxLength 4"),
        ([{"items": [{"sku": None}]}], "$.items[].sku need not be there"),
        ([{"coupon": "X1"}, {"coupon": None}], "declare $.coupon as string"),
        ([{"points": 7}], "declare $.points as long"),
        ([{"items": [{"sku": "a", "qty": 2}]}], "declare $.items[].qty as long"),
        ([{"pieces": "3 "}, {"pieces": " 4"}], "cast $.pieces to integer"),
        ([{"paid": "yes"}], "cast $.paid to boolean"),
        ([{"store": 12}], "cast $.store to text"),
        ([{"day": "03/04/2026"}, {"day": "13/04/2026"}], "cast $.day to date"),
        ([{"at": "03.04.2026 14:05"}, {"at": "13.04.2026 14:05"}], "cast $.at to timestamp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_remedy_lets_in_what_was_refused(records: list[dict[str, Any]], what: str) -> None:
    [one] = [one for one in evidence(*records, closed=True) if one.values or one.rule == "null_in_required"]
    found = remedy(contract(), one)
    assert what in found.what, found.none
    assert (found.change is None) != (found.step is None)
    assert lets_in(found, *records)


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([{"id": None}], "primary key"),
        ([{"day": "03/04/2026"}], "exactly one way"),
        ([{"pieces": "four"}], "without a guess"),
        ([{"pieces": 1.5}], "round"),
        ([{"kind": f"k{number}"} for number in range(21)], "no enumeration"),
        ([{"code": text} for text in ("a", "1", "-", "b-", "-1")], "no form in common"),
    ],
)
def test_what_would_be_a_guess_has_no_remedy(records: list[dict[str, Any]], why: str) -> None:
    [one] = evidence(*records)
    found = remedy(contract(), one)
    assert (found.change, found.step) == (None, None)
    assert why in found.none


def test_a_date_that_every_row_writes_otherwise_changes_the_contract() -> None:
    [one] = evidence({"day": "13/04/2026"}, {"day": "14/04/2026"}, of=2)
    found = remedy(contract(), one)
    assert found.what == "$.day is written as %d/%m/%Y"
    assert found.change is not None
    assert lets_in(found, {"day": "13/04/2026"}, {"day": "15/04/2026"})


def test_every_kind_of_drift_has_a_remedy_or_a_reason() -> None:
    for kind in VERBS:
        found = remedy(contract(), Evidence(kind, "$.store", 1, 1))
        assert (found.change is None and found.step is None) == bool(found.none)


def test_a_renamed_field_gets_an_alias_and_nothing_else() -> None:
    shown = (
        Evidence("missing_required", "$.kind", 3, 3),
        Evidence("new_field", "$.typ", 3, 3),
        Evidence("renamed", "$.kind", 3, 3, sample="typ"),
    )
    [found] = remedies(contract(), shown)
    assert found.what == "$.kind may also be called typ"
    assert lets_in(found, {"typ": "sale", "kind": ...})


def test_fields_are_found_at_any_depth() -> None:
    assert field_at(contract(), "$.items[].sku") == contract().fields[-1].item.fields[0]  # type: ignore[union-attr]
    assert field_at(contract(), "$.items[]") == contract().fields[-1].item
    assert field_at(contract(), "$.items[].no") is None
    assert field_at(contract(), "$") is None


def test_evidence_of_several_deliveries_is_one() -> None:
    number = JsonNumber("1")
    one = Evidence("unknown_value", "$.kind", 1, 10, ("a", number))
    other = Evidence("unknown_value", "$.kind", 2, 10, ("b", "a"), more=True)
    [found] = together([one, other])
    assert (found.rows, found.of, found.values, found.more) == (3, 20, ("a", number, "b"), True)
    assert remedy(contract(), found).none


def test_a_proposed_repair_is_written_as_its_file_has_it() -> None:
    [one] = evidence({"day": "13/04/2026"})
    step = remedy(contract(), one).step
    assert step is not None
    assert block({"steps": [_entries(step)]}, "") == [
        "steps:",
        '  - cast: {path: "$.day", to: date, pattern: "%d/%m/%Y"}',
        '    where: {rule: wrong_format, path: "$.day"}',
    ]


@pytest.mark.parametrize(
    ("texts", "shape"),
    [
        (["AB-1", "CD-22"], "[A-Z]{2}-[0-9]{1,2}"),
        (["a.b", "c.d"], r"[a-z]\.[a-z]"),
        (["A1", "1A"], "(?:[A-Z][0-9]|[0-9][A-Z])"),
        (["a", "1", "A", "-"], None),
        ([], None),
        (["x" * 61], None),
    ],
)
def test_the_form_that_texts_have_in_common(texts: list[str], shape: str | None) -> None:
    assert shape_of(texts) == shape


def test_a_pattern_is_the_only_one_or_none() -> None:
    day = Field("day", Primitive("date"))
    assert only_pattern(["20260413"], day) == "%Y%m%d"
    assert only_pattern(["01/02/2026"], day) is None
    assert only_pattern(["01/02/2026", "13/02/2026"], day) == "%d/%m/%Y"
    assert only_pattern(["2026-13-45"], day) is None
    assert only_pattern([], day) is None
