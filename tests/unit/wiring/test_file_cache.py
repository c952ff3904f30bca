"""The cache of derived values: what comes back, and that it does not grow without end."""

from __future__ import annotations

import os
from pathlib import Path

from startrail.wiring.cache import FileCache


def test_a_value_comes_back_and_a_damaged_one_does_not(tmp_path: Path) -> None:
    cache = FileCache(tmp_path)
    cache.put("project", "key", b"value")
    assert cache.get("project", "key") == b"value"
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert cache.get("project", "key") is None


def test_the_oldest_values_of_a_kind_are_forgotten(tmp_path: Path) -> None:
    FileCache(tmp_path).put("project", "other kind", b"")
    for number in range(30):
        cache = FileCache(tmp_path, keep=8)
        cache.put("table", str(number), b"")
        os.utime(cache._path("table", str(number)), (number, number))
    assert len(list(tmp_path.glob("table-*.bin"))) <= 9
    assert FileCache(tmp_path).get("table", "29") is not None
    assert FileCache(tmp_path).get("project", "other kind") is not None


def test_one_process_forgets_too_though_not_at_every_value(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, keep=40)
    for number in range(200):
        cache.put("table", str(number), b"")
    assert 40 <= len(list(tmp_path.iterdir())) <= 50
