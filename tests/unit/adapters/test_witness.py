"""The second reader of landed bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from startrail.adapters.store.local import LocalStore
from startrail.adapters.witness import PlainWitness
from startrail.base.span import Span
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.ports.witness import CannotWitness

LINES = b'{"id": 1}\n\n{"id": 2}\n'


def _seen(tmp_path: Path, data: bytes, media: str) -> list[bytes | None]:
    store = LocalStore(tmp_path)
    store.put("landing/x", data)
    return list(
        PlainWitness(store).records(
            "landing/x", media, Contract("orders", "1.0.0", (), span=Span("orders.odcs.yml")), Dialect(), "$"
        )
    )


@pytest.mark.parametrize(
    ("media", "data"),
    [
        ("ndjson", LINES),
        ("ndjson+gzip", gzip.compress(LINES)),
        ("ndjson+zstd", pa.compress(LINES, "zstd", asbytes=True)),
    ],
    ids=["plain", "gzip", "zstd"],
)
def test_lines_are_read_however_they_are_compressed(tmp_path: Path, media: str, data: bytes) -> None:
    assert _seen(tmp_path, data, media) == [b'{"id": 1}\n', b'{"id": 2}\n']


@pytest.mark.parametrize("media", ["ndjson+gzip", "ndjson+zstd"])
def test_a_stream_that_is_cut_off_cannot_be_witnessed(tmp_path: Path, media: str) -> None:
    whole = gzip.compress(LINES) if media.endswith("gzip") else pa.compress(LINES, "zstd", asbytes=True)
    with pytest.raises(CannotWitness):
        _seen(tmp_path, whole[:-5], media)
