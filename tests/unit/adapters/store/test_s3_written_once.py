"""What a bucket is asked about objects that never change: once, or not at all by the machine that wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from startrail.adapters.s3.wire import Wire
from startrail.adapters.store.s3.store import S3Store
from startrail.ports.store import WRITTEN_ONCE, NotStored

Opens = Callable[[Path], S3Store]
FIXED, LOOSE = "tables/raw/orders/data/one.parquet", "quarantine/orders/one.parquet"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the bucket was asked for what."""
    found: Counter[str] = Counter()
    opened = Wire.open

    def counted(self: Wire, method: str, *arguments: Any, **options: Any) -> Any:
        found[method] += 1
        return opened(self, method, *arguments, **options)

    monkeypatch.setattr(Wire, "open", counted)
    return found


def adopted(store: S3Store, key: str, content: bytes = b"rows") -> None:
    path = store.scratch / "made"
    path.write_bytes(content)
    assert store.adopt(path, key) == len(content)
    assert not path.exists()


def test_what_this_machine_wrote_is_read_without_asking(s3_store: Opens, tmp_path: Path, asked: Counter[str]) -> None:
    store = s3_store(tmp_path)
    adopted(store, FIXED)
    for _ in range(3):
        with store.local(FIXED) as path:
            assert path.read_bytes() == b"rows"
    assert asked == {"PUT": 1}


def test_another_machine_fetches_it_once(s3_store: Opens, tmp_path: Path, asked: Counter[str]) -> None:
    adopted(s3_store(tmp_path / "one"), FIXED)
    asked.clear()
    for _ in range(3):
        with s3_store(tmp_path / "another").local(FIXED) as path:
            assert path.read_bytes() == b"rows"
    assert asked == {"GET": 1}


def test_what_may_change_is_compared_each_time(s3_store: Opens, tmp_path: Path) -> None:
    one, another = s3_store(tmp_path / "one"), s3_store(tmp_path / "another")
    adopted(one, LOOSE)
    with one.local(LOOSE) as path:
        assert path.read_bytes() == b"rows"
    adopted(another, LOOSE, b"other rows")
    with one.local(LOOSE) as path:
        assert path.read_bytes() == b"other rows"
    assert not LOOSE.startswith(WRITTEN_ONCE)


def test_an_object_that_is_not_there_is_no_copy(s3_store: Opens, tmp_path: Path) -> None:
    with pytest.raises(NotStored), s3_store(tmp_path).local(FIXED):
        pass
    assert list((tmp_path / "objects").iterdir()) == []


def test_a_write_that_fails_leaves_no_copy(s3_store: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3_store(tmp_path)

    def fails(*arguments: Any, **options: Any) -> None:
        raise OSError("the network is down")

    with monkeypatch.context() as patch:
        patch.setattr(Wire, "open", fails)
        path = store.scratch / "made"
        path.write_bytes(b"rows")
        with pytest.raises(Exception, match="network is down"):
            store.adopt(path, FIXED)
    with pytest.raises(NotStored), store.local(FIXED):
        pass


def test_two_buckets_of_one_name_on_two_servers_are_two(tmp_path: Path, s3_endpoint: str, s3_bucket: str) -> None:
    from startrail.model import profile

    def opened(endpoint: str) -> S3Store:
        declared = profile.S3Store(bucket=s3_bucket, endpoint=endpoint)
        return S3Store(declared, tmp_path, access_key="test", secret_key="test", retries=0)

    here, there = opened(s3_endpoint), opened(s3_endpoint.replace("127.0.0.1", "localhost"))
    adopted(here, FIXED)
    here.delete(FIXED)
    with here.local(FIXED) as path:
        assert path.read_bytes() == b"rows"
    with pytest.raises(NotStored), there.local(FIXED):
        pass
