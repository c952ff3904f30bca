"""What stores say when the disk or the bucket will not."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from startrail.adapters.store.cache import Cache
from startrail.adapters.store.local import LocalStore
from startrail.adapters.store.s3.store import S3Store
from startrail.model import profile
from startrail.ports.store import NotStored, StoreFailed, StoreUnreachable


def _in_own_namespace(script: str, folder: Path, mount: str) -> str:
    """Run Python where this process may mount, over ``folder``; returns what it printed."""
    shell = f'mount {mount} "$1" && exec "$2" -W error -c "$3" "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", shell, "sh", str(folder), sys.executable]
    done = subprocess.run([*command, textwrap.dedent(script)], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr and done.returncode != 0:
        pytest.skip(f"this machine allows no user namespaces: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_is_said_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from startrail.adapters.store.local import LocalStore
        from startrail.ports.store import StoreFull
        store = LocalStore(Path(sys.argv[1]) / "store")
        store.put("small", b"fits")
        for write in (store.put, store.put_if_absent):
            try:
                write("a/big", iter([b"x" * 100_000] * 20))
            except StoreFull as error:
                print(error)
        print([found.key for found in store.list("")], list(store.scratch.iterdir()), store.get("small"))
        store.put("other", b"still works")
    """
    lines = _in_own_namespace(script, tmp_path, "-t tmpfs -o size=256k none").splitlines()
    assert lines.count("ST603 no room is left on the disk for 'a/big'") == 2
    assert lines[-1] == "['small'] [] b'fits'"


def test_a_read_only_disk_is_said_so_and_can_be_read(tmp_path: Path) -> None:
    LocalStore(tmp_path / "in").put("there", b"before")
    script = """
        import subprocess, sys
        from pathlib import Path
        from startrail.adapters.store.local import LocalStore
        from startrail.ports.store import StoreForbidden
        subprocess.run(["mount", "-o", "remount,bind,ro", sys.argv[1]], check=True)
        store = LocalStore(Path(sys.argv[1]))
        for use in (lambda: store.put("a", b""), lambda: store.put_if_absent("a", b""), lambda: store.delete("there")):
            try:
                use()
            except StoreForbidden as error:
                print(error.code, error.message)
        print(store.get("there"), store.put_if_absent("there", b""))
    """
    lines = _in_own_namespace(script, tmp_path / "in", f"--bind {tmp_path / 'in'}").splitlines()
    assert len(lines) == 4
    assert all(line.startswith("ST602 ") and line.endswith("file system is read-only") for line in lines[:3])
    assert lines[3] == "b'before' False"


def test_a_folder_of_another_user_is_said_so(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("mine", b"secret")
    script = f"""
        import os, sys
        from pathlib import Path
        from startrail.adapters.store.local import LocalStore
        from startrail.ports.store import StoreForbidden
        if os.getuid() == 0:
            os.setgid(65534); os.setuid(65534)
        store = LocalStore(Path({str(tmp_path)!r}))
        for use in (lambda: store.put("a/b", b""), lambda: store.get("mine"), lambda: store.open("mine")):
            try:
                use()
            except StoreForbidden as error:
                print(error)
    """
    for name in tmp_path.iterdir():
        name.chmod(0)
    mode = tmp_path.stat().st_mode
    tmp_path.chmod(0o555)
    above = [(path, path.stat().st_mode) for path in tmp_path.parents if not path.stat().st_mode & stat.S_IXOTH]
    try:
        for path, _ in above:
            path.chmod(0o711)
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    finally:
        tmp_path.chmod(mode)
        for path, before in above:
            path.chmod(before)
    assert done.stdout.count("ST602") == 3
    assert done.stdout.count("this user has no permission") == 3
    assert done.stdout.count("hint: check the owner and mode") == 3


def test_a_file_in_the_way_of_a_folder_is_said_so(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"")
    for write in (store.put, store.put_if_absent):
        with pytest.raises(StoreFailed, match="ST606"):
            write("a/b", b"")
    with pytest.raises(StoreFailed, match="File name too long"):
        store.put("x" * 300, b"")


def test_a_write_is_synced_before_it_is_visible_and_its_folders_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut leaves depends on this order alone; nothing else in the tests can see it."""
    steps: list[str] = []
    real_fsync, real_replace, real_link = os.fsync, os.replace, os.link

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        inside = path.relative_to(tmp_path).as_posix()
        steps.append(f"sync {'file' if stat.S_ISREG(os.fstat(handle).st_mode) else inside}")
        real_fsync(handle)

    def replace(source: str, target: str) -> None:
        real_replace(source, target)
        steps.append("name")

    def link(source: str, target: str, **how: bool) -> None:
        real_link(source, target, **how)
        steps.append("name")

    store = LocalStore(tmp_path)
    finished = store.scratch / "finished"
    finished.write_bytes(b"x")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "link", link)
    store.put("a/b/c", b"x")
    assert steps == ["sync file", "sync .", "sync a", "name", "sync a/b"]
    for write in (lambda: store.put_if_absent("a/b/d", b"x"), lambda: store.adopt(finished, "a/b/e")):
        steps.clear()
        write()
        assert steps == ["sync file", "name", "sync a/b"]
    steps.clear()
    assert not store.put_if_absent("a/b/d", b"x")
    assert steps == ["sync a/b"]


def test_adopt_copies_from_another_disk(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second disk")
    file = elsewhere / f"startrail-test-{os.getpid()}"
    file.write_bytes(b"from afar" * 300_000)
    store = LocalStore(tmp_path)
    assert store.adopt(file, "a/b") == 2_700_000
    assert store.get("a/b") == b"from afar" * 300_000
    assert not file.exists()


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    scratch = LocalStore(tmp_path).scratch
    for name, days in (("old", 2), ("young", 0)):
        (scratch / name).write_bytes(b"half")
        (scratch / f"{name} folder").mkdir()
        for path in (scratch / name, scratch / f"{name} folder"):
            then = path.stat().st_mtime - days * 86_400
            os.utime(path, (then, then))
    again = LocalStore(tmp_path)
    assert sorted(path.name for path in again.scratch.iterdir()) == ["young", "young folder"]
    assert list(again.list("")) == []


def test_a_store_is_made_at_the_first_write_only(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "not" / "yet")
    assert list(store.list("")) == []
    assert store.size("a") is None
    assert not (tmp_path / "not").exists()
    store.put("a", b"")
    assert (tmp_path / "not" / "yet" / "a").exists()


# -- buckets -------------------------------------------------------------------------------------------


def _bucket(endpoint: str, cache: Path, name: str = "nobody") -> S3Store:
    declared = profile.S3Store(bucket=name, endpoint=endpoint)
    return S3Store(declared, cache, access_key="a", secret_key="s3cret", timeout=timedelta(seconds=60), retries=0)


def test_an_unreachable_bucket_is_worth_another_try(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = _bucket(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path)
        for use in (lambda: store.put("a", b""), lambda: store.get("a"), lambda: list(store.list("")), lambda: store.size("a")):
            with pytest.raises(StoreUnreachable, match="ST604") as told:
                use()
            assert told.value.transient
            assert "s3cret" not in str(told.value)


def test_a_bucket_that_is_not_there_is_said_so(tmp_path: Path, s3_endpoint: str) -> None:
    store = _bucket(s3_endpoint, tmp_path)
    for use in (lambda: store.put("a", b""), lambda: store.get("a"), lambda: list(store.list(""))):
        with pytest.raises(StoreFailed, match="the bucket of the profile's `store` does not exist"):
            use()


def test_an_upload_that_breaks_leaves_no_parts_to_pay_for(
    tmp_path: Path, s3_endpoint: str, s3_bucket: str, s3_store: Callable[[Path], S3Store]
) -> None:
    def broken():
        yield b"x" * 20_000_000
        raise RuntimeError("the line went dead")

    with pytest.raises(RuntimeError):
        s3_store(tmp_path).put("a", broken())
    with urllib.request.urlopen(f"{s3_endpoint}/{s3_bucket}?uploads", timeout=120) as answer:
        assert b"<Upload>" not in answer.read()


def test_downloads_are_kept_and_the_longest_unused_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=250)
    fetched: list[str] = []

    def fetch(version: str) -> Callable[[Path], None]:
        def download(target: Path) -> None:
            fetched.append(version)
            target.write_bytes(version.encode() * 100)

        return download

    for version, hours in (("a", 4), ("b", 3)):
        with cache.path(version, ".parquet", fetch(version)) as path:
            assert path.suffix == ".parquet"
        then = path.stat().st_mtime - hours * 3600
        os.utime(path, (then, then))
    with cache.path("b", ".parquet", fetch("b")) as used, cache.path("c", ".parquet", fetch("c")):
        assert used.exists()
    assert fetched == ["a", "b", "c"]
    with cache.path("a", ".parquet", fetch("a")):
        pass
    assert fetched == ["a", "b", "c", "a"]


def test_a_download_that_breaks_leaves_nothing(tmp_path: Path, s3_store: Callable[[Path], S3Store]) -> None:
    store = s3_store(tmp_path / "cache")
    with pytest.raises(NotStored), store.local("nothing"):
        pass
    assert not (tmp_path / "cache" / "objects").exists()
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


def test_keys_in_the_environment_are_used_when_none_are_declared(tmp_path: Path, s3_endpoint: str, s3_bucket: str) -> None:
    script = f"""
        from pathlib import Path
        from startrail.adapters.store.s3.store import S3Store
        from startrail.model import profile
        store = S3Store(profile.S3Store(bucket={s3_bucket!r}, endpoint={s3_endpoint!r}), Path({str(tmp_path)!r}))
        store.put("a", b"by environment")
        print(store.get("a"))
    """
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "b'by environment'\n"
