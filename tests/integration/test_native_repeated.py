"""Rows that may repeat a key are read once more by themselves, and are then what they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fixtures.loading import contract, field
from tests.fixtures.readers import needs_native
from tests.integration.test_load_readers_agree import compare

from startrail.adapters.loader.native import csv as native_csv
from startrail.adapters.loader.native import lines as native_lines
from startrail.model.contract import Format
from startrail.model.source import Dialect

pytestmark = needs_native

PROMISED = contract(
    field("text", "string"),
    field("id", "long"),
    field("code", "string", pattern="^[a-z]+$"),
    field("day", "date", format=Format(pattern="%d/%m/%Y")),
    field("tier", "string", default="none"),
    key=("id",),
)


@pytest.mark.parametrize("chunk", [50, 700, 1 << 20])
def test_records_that_all_come_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(native_lines, "CHUNK", chunk)
    made = []
    for number in range(240):
        record: dict[str, object] = {"text": "x" * (number % 90), "id": number % 40, "code": "ab" if number % 7 else "A"}
        record |= {"day": "03/10/2026" if number % 11 else "2026"} | ({"new": {"n": number}} if number % 3 else {})
        made.append(json.dumps(record | ({} if number % 5 else {"tier": "gold"})))
    compare(tmp_path, monkeypatch, "\n".join(made).encode(), PROMISED)


@pytest.mark.parametrize("chunk", [200, 1 << 20])
def test_rows_that_all_come_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Also with what a file may begin with at the beginning of a line, and in several lines."""
    monkeypatch.setattr(native_lines, "CHUNK", chunk)
    monkeypatch.setattr(native_csv, "CHUNK", chunk)
    made = ["text,id,code,day,new"]
    for number in range(700):
        text = ("\ufeff" + "x" * (number % 90), '"a ""b"" ,"', "é", '"p\nq"' if number % 97 == 0 else "")[number % 4]
        code, day = "ab" if number % 7 else "A", "03/10/2026" if number % 11 else ""
        made.append(f"{text},{number % 230},{code},{day},{number}")
    data = "\r\n".join([*made, ""]).encode()
    compare(tmp_path, monkeypatch, data, PROMISED, "csv", csv=Dialect(null_words=("", "NULL")))
