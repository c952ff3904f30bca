"""The Store port: one suite, every store."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startrail.adapters.store.local import LocalStore
from startrail.ports.store import BadKey, NotStored, Store
from startrail.testing.store import MemoryStore

BAD_KEYS = ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "..", "a\0b", "a\nb", "a\\b", "a/\udcff", ".scratch/x"]
GOOD_KEYS = ["a", "a/b/c.parquet", "landing/ab/abcd", "spaces in it/ü ñ 🙂", "a..b/...c", "x=1,y=2/%20+&?#"]


@pytest.fixture(params=["memory", "local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "local":
        yield LocalStore(tmp_path / "store")
    else:
        make: Callable[..., Store] = request.getfixturevalue("s3_store")
        yield make(tmp_path / "cache")


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_what_was_put_is_got_back(store: Store, key: str) -> None:
    assert store.put(key, b"content") == 7
    assert store.get(key) == b"content"
    assert store.size(key) == 7
    assert store.key(store.uri(key)) == key
    assert [found.key for found in store.list("")] == [key]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_could_leave_the_store_is_refused_everywhere(store: Store, tmp_path: Path, key: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    for use in (
        lambda: store.put(key, b""),
        lambda: store.put_if_absent(key, b""),
        lambda: store.adopt(file, key),
        lambda: store.get(key),
        lambda: store.open(key),
        lambda: store.local(key).__enter__(),
        lambda: store.size(key),
        lambda: store.delete(key),
        lambda: store.uri(key),
    ):
        with pytest.raises(BadKey, match="ST605"):
            use()
    assert file.read_bytes() == b"x"


def test_an_address_outside_of_the_store_has_no_key(store: Store) -> None:
    inside = store.uri("a/b")
    for address in ("file:///etc/passwd", "s3://another/a", "http://x/y", inside.replace("a/b", "../../a"), ""):
        with pytest.raises((ValueError, BadKey)):
            store.key(address)


def test_put_replaces(store: Store) -> None:
    store.put("a", b"old")
    store.put("a", b"newer")
    assert store.get("a") == b"newer"


def test_an_empty_object_is_an_object(store: Store) -> None:
    assert store.put("a/empty", b"") == 0
    assert store.put("a/no chunks", iter(())) == 0
    assert store.get("a/empty") == store.get("a/no chunks") == b""
    assert store.size("a/empty") == store.size("a/no chunks") == 0


def test_a_stream_is_put_in_order(store: Store) -> None:
    chunks = [bytes([number % 251]) * (number * 1000 % 70_001) for number in range(200)]
    assert store.put("stream", iter(chunks)) == sum(map(len, chunks))
    assert store.get("stream") == b"".join(chunks)


def test_a_stream_that_breaks_leaves_nothing(store: Store) -> None:
    store.put("kept", b"before")

    def broken() -> Iterator[bytes]:
        yield b"x" * 6_000_000
        raise RuntimeError("the line went dead")

    for key in ("new", "kept"):
        with pytest.raises(RuntimeError, match="went dead"):
            store.put(key, broken())
    with pytest.raises(RuntimeError, match="went dead"):
        store.put_if_absent("new", broken())
    assert store.size("new") is None
    assert store.get("kept") == b"before"
    assert [found.key for found in store.list("")] == ["kept"]
    assert list(store.scratch.iterdir()) == []


def test_put_if_absent_never_replaces(store: Store) -> None:
    assert store.put_if_absent("a/b", b"first")
    assert not store.put_if_absent("a/b", b"second")
    assert not store.put_if_absent("a/b", iter([b"third"]))
    assert store.get("a/b") == b"first"


@pytest.mark.parametrize(("count", "padding"), [(8, 0), (3, 9_000_000)])
def test_of_many_that_put_if_absent_at_once_one_wins(store: Store, count: int, padding: int) -> None:
    outcomes: dict[int, bool] = {}
    barrier = threading.Barrier(count)

    def contend(number: int) -> None:
        barrier.wait()
        outcomes[number] = store.put_if_absent("race", [f"{number}".encode(), b"x" * padding])

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, won in outcomes.items() if won]
    assert len(winners) == 1
    assert store.get("race") == f"{winners[0]}".encode() + b"x" * padding


def test_a_big_put_if_absent_is_conditional_too(store: Store) -> None:
    chunks = [b"y" * 1_000_000] * 20
    assert store.put_if_absent("big", iter(chunks))
    assert not store.put_if_absent("big", iter([b"z" * 1_000_000] * 20))
    assert store.size("big") == 20_000_000
    assert [found.key for found in store.list("")] == ["big"]


def test_adopt_takes_the_file_in(store: Store, tmp_path: Path) -> None:
    for folder in (tmp_path, store.scratch):
        file = folder / "finished"
        file.write_bytes(b"table" * 1000)
        assert store.adopt(file, "tables/t") == 5000
        assert store.get("tables/t") == b"table" * 1000
        assert not file.exists()


def test_open_reads_and_seeks(store: Store) -> None:
    content = bytes(range(256)) * 20_000
    store.put("a", content)
    with store.open("a") as file:
        assert file.read(10) == content[:10]
        assert file.seek(-5, 2) == len(content) - 5
        assert file.read() == content[-5:]
        assert file.seek(3_000_000) == 3_000_000
        assert file.read(1_500_000) == content[3_000_000:4_500_000]
        assert file.tell() == 4_500_000
        file.seek(0)
        assert file.read() == content


def test_local_gives_a_path_with_the_bytes(store: Store) -> None:
    store.put("a/b.parquet", b"bytes")
    with store.local("a/b.parquet") as path, store.local("a/b.parquet") as again:
        assert path.read_bytes() == again.read_bytes() == b"bytes"
    store.put("a/b.parquet", b"other bytes")
    with store.local("a/b.parquet") as path:
        assert path.read_bytes() == b"other bytes"


def test_what_is_not_there_is_said_so(store: Store) -> None:
    store.put("folder/a", b"")
    for key in ("nothing", "folder", "folder/a/b", "folder/b"):
        assert store.size(key) is None
        with pytest.raises(NotStored, match="ST601 there is no"):
            store.get(key)
        with pytest.raises(NotStored), store.open(key) as file:
            file.read()
        with pytest.raises(NotStored), store.local(key):
            pass


def test_delete_removes_and_forgives(store: Store) -> None:
    store.put("a/b", b"")
    for _ in range(2):
        store.delete("a/b")
        assert store.size("a/b") is None
    store.delete("never/was")
    store.put("a/b", b"again")
    assert store.get("a/b") == b"again"


def test_list_gives_keys_by_any_prefix_in_order(store: Store) -> None:
    keys = ["a-b/c", "a/b", "a/b-c", "a/b.c/d", "a/b0/d", "a/c/d", "a0", "ab/a", "b/a"]
    for key in reversed(keys):
        store.put(key, key.encode())
    assert [found.key for found in store.list("")] == sorted(keys)
    assert [found.key for found in store.list("a/")] == ["a/b", "a/b-c", "a/b.c/d", "a/b0/d", "a/c/d"]
    assert [found.key for found in store.list("a/b")] == ["a/b", "a/b-c", "a/b.c/d", "a/b0/d"]
    assert [found.key for found in store.list("a")] == [key for key in sorted(keys) if key != "b/a"]
    assert list(store.list("c")) == list(store.list("a/c/d/e")) == []
    assert {found.size for found in store.list("a/c")} == {5}
    assert all(found.modified.tzinfo is not None for found in store.list(""))


_FRESH = itertools.count()
_PART = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(parts=st.lists(_PART, min_size=1, max_size=3), content=st.binary(max_size=100))
def test_any_good_key_holds_any_content(store: Store, parts: list[str], content: bytes) -> None:
    key = f"{next(_FRESH)}/" + "/".join(parts)
    if any(part in (".", "..") for part in parts):
        with pytest.raises(BadKey):
            store.put(key, content)
        return
    store.put(key, content)
    assert store.get(key) == content
    assert store.key(store.uri(key)) == key
    assert [found.key for found in store.list(key) if found.key == key] == [key]
    store.delete(key)
    assert store.size(key) is None


@pytest.mark.parametrize("size", [0, 7, 20_000_000])
def test_a_stream_is_named_when_it_has_ended(store: Store, size: int) -> None:
    passed = 0

    def chunks() -> Iterator[bytes]:
        nonlocal passed
        for start in range(0, size, 1_000_000):
            passed += len(block := bytes([start // 1_000_000]) * min(1_000_000, size - start))
            yield block

    assert store.put_as(chunks(), lambda: f"ended/{passed}")
    assert [found.key for found in store.list("")] == [f"ended/{size}"]
    assert store.get(f"ended/{size}") == b"".join(chunks())
    assert store.put_as(chunks(), lambda: f"ended/{size}")
    assert not store.put_as(chunks(), lambda: None)
    assert not store.put_as(iter([b"other"]), lambda: f"ended/{size}", replace=False)
    assert not store.put_as(iter([b"other"] * 2_000_000), lambda: f"ended/{size}", replace=False)
    assert store.get(f"ended/{size}") == b"".join(chunks())
    assert store.put_as(chunks(), lambda: "new", replace=False)
    assert [found.key for found in store.list("")] == [f"ended/{size}", "new"]
    assert list(store.scratch.iterdir()) == []


def test_a_stream_without_a_name_yet_that_breaks_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 1_000_000
        raise RuntimeError("the line went dead")

    with pytest.raises(RuntimeError, match="went dead"):
        store.put_as(broken(), lambda: "new")
    with pytest.raises(BadKey):
        store.put_as(iter([b"x"]), lambda: "../out")
    assert list(store.list("")) == []
    assert list(store.scratch.iterdir()) == []
