"""Contracts to other forms and back, with every loss told."""

from __future__ import annotations

from typing import Literal

from startrail.capabilities.contracts.exchange.arrow_in import from_arrow
from startrail.capabilities.contracts.exchange.arrow_out import to_arrow
from startrail.capabilities.contracts.exchange.avro_in import from_avro
from startrail.capabilities.contracts.exchange.avro_out import to_avro
from startrail.capabilities.contracts.exchange.json_schema_in import from_json_schema
from startrail.capabilities.contracts.exchange.json_schema_out import to_json_schema
from startrail.capabilities.contracts.exchange.losses import Difference, Exported, Imported, Loss, differences
from startrail.model.contract import Contract

Form = Literal["json-schema", "avro", "arrow"]

_OUT = {"json-schema": to_json_schema, "avro": to_avro, "arrow": to_arrow}
_IN = {"json-schema": from_json_schema, "avro": from_avro, "arrow": from_arrow}
_TITLES = {"json-schema": "JSON Schema", "avro": "Avro", "arrow": "Arrow"}
_UNSAID = "\0"
"""A version that no contract has, so that a form without versions is seen to lose it."""


def export(contract: Contract, form: Form) -> Exported:
    """The contract in another form.

    What is lost is not claimed but found: the text is imported again, and every difference is a loss.
    """
    text = _OUT[form](contract)
    again = _IN[form](text.encode(), contract.name, version=_UNSAID)
    return Exported(text, tuple(_loss(difference, form) for difference in differences(contract, again.contract)))


def import_(data: bytes, form: Form, name: str) -> Imported:
    """A contract of the name from another form. Raises NotASchema (ST373)."""
    return _IN[form](data, name)


def _loss(difference: Difference, form: Form) -> Loss:
    title = _TITLES[form]
    if difference.what in ("name", "type") and difference.new:
        return Loss(difference.path, difference.what, f"{title} has '{difference.new}' for '{difference.old}'")
    if difference.what in ("field", "type"):
        return Loss(difference.path, difference.what, f"{title} has nothing for a {difference.old}")
    value = "" if difference.old in ("true", "") else f" {difference.old}"
    return Loss(difference.path, difference.what, f"{title} cannot say{value or ' it'}")
