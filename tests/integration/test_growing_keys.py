"""Where keys grow from record to record, a repeated one costs a small file, and what is loaded stays what it is."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.loading import contract, field, load_bytes

from startrail.adapters.loader import growing
from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.native.library import CHOICE

KEYED = contract(field("id", "long"), field("n", "int", maximum="90"), field("name", "string"), key=("id",))


@pytest.fixture(autouse=True)
def _other_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "msgspec")
    monkeypatch.setattr(growing, "_LEAST", 3)
    monkeypatch.setattr(growing, "_EACH", 1)


def data_of(media: str, keys: list[int], broken: int = 0) -> bytes:
    """Records with these keys, and so many that are refused."""
    rows: list[Any] = [{"id": key, "n": number % 80, "name": f"{number:040}"} for number, key in enumerate(keys)]
    for number in range(broken):
        rows[(number + 1) * len(rows) // (broken + 1)] = {"id": "x", "n": 91, "name": "bad"} if number % 2 else None
    if media == "ndjson":
        return "".join((json.dumps(row) if row else "{") + "\n" for row in rows).encode()
    lines = [",".join(map(str, row.values())) if row else "1,2" for row in rows]
    return "\n".join(["id,n,name", *lines, ""]).encode()


def written(patch: pytest.MonkeyPatch) -> dict[str, int]:
    """Rows of the files that will be written, by what they are."""
    found: dict[str, int] = {}
    copy = Engine.copy

    def noting(self: Engine, query: str, name: str, *rest: Any) -> Any:
        files = copy(self, query, name, *rest)
        name = "streamed" if name.startswith(("streamed", "direct")) else name
        found[name] = sum(file.rows for file in files)
        return files

    patch.setattr(Engine, "copy", noting)
    return found


@pytest.mark.parametrize("broken", [0, 40])
@pytest.mark.parametrize("media", ["csv", "ndjson"])
def test_a_repeated_key_has_no_large_file_written_again(tmp_path: Path, media: str, broken: int) -> None:
    keys = list(range(20_000))
    for place in range(500, 20_000, 500):
        keys[place] = 7
        keys[place + 1] = place // 500  # smaller than the one before, and there before as well
    data = data_of(media, keys, broken)
    with pytest.MonkeyPatch.context() as patch:
        files = written(patch)
        found = load_bytes(tmp_path / "a", data, KEYED, media)
    again = files["again" if media == "csv" else "saved"]
    assert 70 < again < 140
    assert files.get("unique", 0) < again
    assert files["streamed"] > 19_000
    careful = load_bytes(tmp_path / "b", data, KEYED, media, careful=True)
    assert (found.counts, found.refused()) == (careful.counts, careful.refused())
    assert found.output.drift == careful.output.drift
    assert found.rows() == careful.rows()


@pytest.mark.parametrize("media", ["csv", "ndjson"])
def test_keys_in_no_order_are_compared_as_before(tmp_path: Path, media: str) -> None:
    keys = random.Random(3).sample(range(10**6), 20_000)
    with pytest.MonkeyPatch.context() as patch:
        files = written(patch)
        load_bytes(tmp_path, data_of(media, [*keys, keys[5]]), KEYED, media)
    assert files["streamed"] == 20_001
    assert files["unique"] == 20_000
    assert not {"again", "saved"} & set(files)
