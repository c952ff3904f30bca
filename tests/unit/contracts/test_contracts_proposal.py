"""Proposals are diffs that git takes; a field written into a contract is read back as that field."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from startrail.capabilities.contracts.proposal import Proposal, add_field
from startrail.model.contract import Contract, Field, Format
from startrail.model.types import parse_type
from startrail.project.odcs import read_contract

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: order_id, logicalType: string}
"""


def read(text: str) -> Contract:
    found = read_contract(text.encode(), "contracts/orders.odcs.yml", [])
    assert found is not None
    return found


@pytest.mark.parametrize("style", ["flow", "block"])
@pytest.mark.parametrize(
    "field",
    [
        Field("coupon", parse_type("string"), max_length=12, enum=("A", "no", "1")),
        Field("price", parse_type("decimal(9,2)"), required=True, minimum="0.10"),
        Field("at", parse_type("timestamptz"), format=Format("%d/%m/%Y %H:%M%z")),
        Field("count", parse_type("long"), aliases=("n", "Größe"), unit="EUR: cents"),
        Field("place", parse_type("struct<x: long>"), fields=(Field("x", parse_type("long")),)),
        Field("tags", parse_type("list<string>"), item=Field("element", parse_type("string"))),
    ],
    ids=lambda field: field.name,
)
def test_a_field_is_read_back_as_it_was_given(field: Field, style: str) -> None:
    text = CONTRACT if style == "flow" else CONTRACT.replace("{name: order_id, ", "name: order_id\n        ").replace("}", "")
    after = add_field(text, field)
    assert len([line for line in after.splitlines() if line not in text.splitlines()]) >= 1
    (_, found) = read(after).fields
    assert bare(found) == bare(field)


def bare(field: Field) -> Field:
    item = bare(field.item) if field.item is not None else None
    return msgspec.structs.replace(field, span=None, item=item, fields=tuple(map(bare, field.fields)))


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
@pytest.mark.parametrize("new", [False, True])
def test_git_applies_the_diff(tmp_path: Path, end: str, new: bool) -> None:
    before = CONTRACT.replace("\n", end or "\n").removesuffix("" if end else "\n")
    after = add_field(before, Field("coupon", parse_type("string")))
    file = tmp_path / "contracts/orders.odcs.yml"
    file.parent.mkdir()
    if not new:
        file.write_text(before, newline="")
    diff = Proposal("contracts/orders.odcs.yml", None if new else before, after).diff
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), check=True)
    assert file.read_bytes() == after.encode()
    assert Proposal("x", after, after).diff == ""
