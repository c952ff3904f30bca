"""Changes to a contract's text: only what is asked for changes, in block and in flow style."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from startrail.project import odcs_edit as edit
from startrail.project.odcs import read_contract
from startrail.project.yaml_edit import CannotEdit

BLOCK = """\
# Orders of the web shop
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.2.0  # semantic
status: active
schema:
  - name: orders
    properties:
      # the key
      - name: order_id
        logicalType: string
        primaryKey: true
        logicalTypeOptions:
          maxLength: 8   # WEB-0001
      - name: kind
        logicalType: string
        required: true
        enum:
          - value: sale
          - value: refund  # given back
        customProperties:
          - property: aliases
            value:
              - art
            vendor: startrail
      - name: customer
        logicalType: object
        properties:
          - name: country
            logicalType: string
      - name: items
        logicalType: array
        items:
          logicalType: object
          logicalTypeOptions: {required: [sku, price]}
          properties:
            - name: sku
              logicalType: string
            - name: price
              logicalType: number
              physicalType: decimal(9,2)
# the end
team: {name: shop}
"""

FLOW = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: "1.2"
status: active
schema:
  - name: orders
    properties:
      - {name: order_id, logicalType: string, primaryKey: true, logicalTypeOptions: {maxLength: 8}}  # the key
      - {name: kind, logicalType: string, required: true, enum: [{value: sale}, {value: refund}]}
      - {name: customer, logicalType: object, properties: [
          {name: country, logicalType: string},  # two letters
          {name: city, logicalType: string}      # any
        ]}
"""


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def readable(text: str) -> bool:
    return read_contract(text.encode(), "contracts/orders.odcs.yml", []) is not None


def test_a_new_field_stands_after_the_others_in_their_style() -> None:
    after = edit.add_field(BLOCK, {"name": "coupon", "logicalType": "string", "logicalTypeOptions": {"maxLength": 4}})
    assert changed_lines(BLOCK, after) == (
        [],
        ["      - name: coupon", "        logicalTypeOptions: {maxLength: 4}"],
    )
    assert after.index("- name: coupon") < after.index("# the end")
    assert readable(after)
    flowing = edit.add_field(FLOW, {"name": "coupon", "logicalType": "string"})
    assert changed_lines(FLOW, flowing) == ([], ["      - {name: coupon, logicalType: string}"])
    assert readable(flowing)


def test_a_new_field_goes_into_an_object_and_into_the_items_of_a_list() -> None:
    after = edit.add_field(BLOCK, {"name": "zip", "logicalType": "string"}, "$.customer")
    assert "            logicalType: string\n          - name: zip\n            logicalType: string\n      - name: items" in after
    inner = edit.add_field(BLOCK, {"name": "qty", "logicalType": "integer"}, "$.items[]")
    assert inner.index("- name: qty") < inner.index("# the end")
    flowing = edit.add_field(FLOW, {"name": "zip", "logicalType": "string"}, "$.customer")
    assert changed_lines(FLOW, flowing)[1] == [
        "          {name: city, logicalType: string},      # any",
        "          {name: zip, logicalType: string}",
    ]
    assert all(map(readable, (after, inner, flowing)))


@pytest.mark.parametrize("text", [BLOCK, FLOW], ids=["block", "flow"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: edit.set_key(text, "$.kind", "description", "What it is: sale, or not"),
        lambda text: edit.set_option(text, "$.order_id", "maxLength", 12),
        lambda text: edit.set_option(text, "$.kind", "pattern", "^[a-z{]+$"),
        lambda text: edit.remove_option(text, "$.order_id", "maxLength"),
        lambda text: edit.make_optional(text, "$.kind"),
        lambda text: edit.add_enum_value(text, "$.kind", "exchange"),
        lambda text: edit.add_enum_value(text, "$.kind", "no"),
        lambda text: edit.add_alias(text, "$.kind", "type"),
        lambda text: edit.add_alias(text, "$.customer.country", "land"),
        lambda text: edit.set_custom(text, "$.order_id", "nullWords", ["-", "n/a"]),
        lambda text: edit.set_version(text, "1.3.0"),
    ],
)
def test_every_change_leaves_a_contract_and_every_comment(text: str, change: Callable[[str], str]) -> None:
    after = change(text)
    assert readable(after)
    gone, came = changed_lines(text, after)
    assert len(gone) <= 2
    assert 1 <= len(came) + len(gone) <= 6
    assert sum(line.count("#") for line in gone) <= sum(line.count("#") for line in came) or "maxLength: 8 " in gone[-1]
    assert change(text.replace("\n", "\r\n")) == after.replace("\n", "\r\n")


def test_a_field_becomes_optional_also_where_the_object_around_it_requires_it() -> None:
    after = edit.make_optional(BLOCK, "$.items[].price")
    assert changed_lines(BLOCK, after) == (
        ["          logicalTypeOptions: {required: [sku, price]}"],
        ["          logicalTypeOptions: {required: [sku]}"],
    )


def test_versions_keep_their_quotes() -> None:
    assert 'version: "1.3"' in edit.set_version(FLOW, edit.raised("1.2"))
    assert "version: 1.3.0  # semantic" in edit.set_version(BLOCK, edit.raised("1.2.0"))
    assert [edit.raised(each) for each in ("7", "2026-01", "v1.2", "1.2.3-rc")] == ["8", "2026-01.1", "v1.3", "1.2.3-rc.1"]


def test_numbers_stand_as_they_are_given() -> None:
    assert "minimum: 0.10}" in edit.set_option(FLOW, "$.kind", "minimum", edit.Verbatim("0.10"))


def test_what_is_not_declared_is_refused_with_the_near_miss() -> None:
    with pytest.raises(CannotEdit, match="no field") as found:
        edit.add_alias(BLOCK, "$.custmer", "x")
    assert found.value.hint == "did you mean 'customer'?"
    with pytest.raises(CannotEdit, match="declared already"):
        edit.add_field(BLOCK, {"name": "Kind", "logicalType": "string"})
    with pytest.raises(CannotEdit, match="no list"):
        edit.add_field(BLOCK, {"name": "x", "logicalType": "string"}, "$.kind[]")
    with pytest.raises(CannotEdit, match="not a path"):
        edit.make_optional(BLOCK, "kind")
