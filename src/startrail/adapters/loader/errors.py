"""Errors of reading deliveries."""

from __future__ import annotations

from startrail.base.errors import ContractError


class AvroMissing(ContractError):
    """A delivery is an Avro file, and the package that decodes Avro is not installed.

    It comes with an extra: ``pip install "startrail[avro]"``. Nothing of the delivery was loaded; the landed bytes stay,
    and the next run loads them.
    """

    code = "ST321"
