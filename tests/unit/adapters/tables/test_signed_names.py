"""Names that prove their content."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.adapters.tables.signing import signature, verified


@given(st.binary(), st.sampled_from(["tables/a/b/metadata/00007-{}.metadata.json", "m/snap-12-0-{}.avro", "m/12-m0-{}.avro"]))
def test_a_name_proves_its_own_bytes_and_no_others(data: bytes, pattern: str) -> None:
    name = pattern.format(signature(data))
    assert verified(name, data)
    with pytest.raises(ValueError, match="not those"):
        verified(name, data + b"x")


def test_a_signature_is_a_uuid_that_no_other_program_makes() -> None:
    made = uuid.UUID(signature(b"x"))
    assert (made.variant, made.version) == (uuid.RFC_4122, 8)
    assert not verified(f"m/{uuid.uuid4()}-m0.avro", b"x")
    assert not verified(f"m/snap-1-1-{uuid.uuid4()}.avro", b"x")
    assert not verified(f"m/00001-{uuid.uuid4()}.metadata.json", b"x")
