"""A file remembers what a ledger that is open for reading does not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from startrail.wiring.cache import FileCache
from startrail.wiring.remembered import Remembered


class Nothing:
    """A memory that keeps nothing, as the ledger of a project that never ran."""

    def cached(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        return {}

    def cache(self, kind: str, values: dict[str, bytes]) -> None:
        return


def test_what_was_cached_is_there_for_the_next_command(tmp_path: Path) -> None:
    first = Remembered(Nothing(), FileCache(tmp_path), "shop")
    first.cache("analysis", {"a": b"1", "b": b"2"})
    first.save()
    assert Remembered(Nothing(), FileCache(tmp_path), "shop").cached("analysis", ["a", "c"]) == {"a": b"1"}


def test_what_is_not_used_any_more_is_forgotten_when_something_is_new(tmp_path: Path) -> None:
    first = Remembered(Nothing(), FileCache(tmp_path), "shop")
    first.cache("analysis", {"a": b"1", "b": b"2"})
    first.save()
    second = Remembered(Nothing(), FileCache(tmp_path), "shop")
    second.cached("analysis", ["a", "c"])
    second.cache("analysis", {"c": b"3"})
    second.save()
    assert Remembered(Nothing(), FileCache(tmp_path), "shop").cached("analysis", "abc") == {"a": b"1", "c": b"3"}


def test_a_damaged_file_is_no_memory(tmp_path: Path) -> None:
    first = Remembered(Nothing(), FileCache(tmp_path), "shop")
    first.cache("analysis", {"a": b"1"})
    first.save()
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert Remembered(Nothing(), FileCache(tmp_path), "shop").cached("analysis", ["a"]) == {}
