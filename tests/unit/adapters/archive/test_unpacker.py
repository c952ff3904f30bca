"""Archives as streams: sound ones come whole, unsound ones not at all."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.archive.unpacker import ArchiveUnpacker
from startrail.ports.archive import ArchiveTooLarge, ArchiveUnreadable, Bounds

BOUNDS = Bounds(files=1_000, size=1 << 30, ratio=200)
Files = dict[str, bytes]


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


WRITTEN: dict[str, tuple[str, Callable[[Files], bytes]]] = {
    "zip": ("zip", zipped),
    "zip stored": ("zip", lambda files: zipped(files, zipfile.ZIP_STORED)),
    "zip bzip2": ("zip", lambda files: zipped(files, zipfile.ZIP_BZIP2)),
    "zip lzma": ("zip", lambda files: zipped(files, zipfile.ZIP_LZMA)),
    "tar": ("tar", tarred),
    "tar gnu": ("tar", lambda files: tarred(files, tarfile.GNU_FORMAT)),
    "tar ustar": ("tar", lambda files: tarred(files, tarfile.USTAR_FORMAT)),
    "tar.gz": ("tar", lambda files: gzip.compress(tarred(files))),
    "tar.zst": ("tar", lambda files: zstd(tarred(files))),
}


def opened(
    data: bytes, kind: str, bounds: Bounds = BOUNDS, wanted: Callable[[str], bool] = lambda path: True
) -> tuple[Files, list[str]]:
    passed: list[str] = []
    found = {}
    for member in ArchiveUnpacker().members(io.BytesIO(data), kind, "a.x", bounds, wanted, passed.append):
        assert member.path not in found
        found[member.path] = b"".join(member.content)
    return found, passed


FILES = {"a.csv": b"id\n1\n", "sub/b.csv": os.urandom(300_000), "empty.csv": b"", "ü/ñ 1.csv": b"x" * 513}


@pytest.mark.parametrize("form", WRITTEN)
def test_what_was_packed_comes_out(form: str) -> None:
    kind, pack = WRITTEN[form]
    assert opened(pack(FILES), kind) == (FILES, [])
    assert opened(pack(FILES), kind, wanted=lambda path: path.startswith("sub/"))[0] == {"sub/b.csv": FILES["sub/b.csv"]}
    assert opened(pack({}), kind) == ({}, [])


@pytest.mark.parametrize("form", ["tar", "tar gnu", "tar.zst"])
def test_long_names_come_whole(form: str) -> None:
    kind, pack = WRITTEN[form]
    files = {"x" * 90 + "/" + "y" * 400 + ".csv": b"1", "z.csv": b"2"}
    assert opened(pack(files), kind)[0] == files


@pytest.mark.parametrize("form", WRITTEN)
def test_one_that_is_cut_off_is_refused_wherever_that_is(form: str) -> None:
    kind, pack = WRITTEN[form]
    files = {"a.csv": b"id\n1\n" * 300, "b.csv": os.urandom(700)}
    data = pack(files)
    end = len(data) if kind == "zip" or form in ("tar.gz", "tar.zst") else len(data.rstrip(b"\0"))
    for cut in range(0, end, max(1, len(data) // 60)):
        with pytest.raises(ArchiveUnreadable, match="ST218"):
            opened(data[:cut], kind)


@pytest.mark.parametrize("form", ["zip", "zip stored", "tar.gz"])
@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_one_is_refused_or_all_that_comes_is_right(form: str, data: st.DataObject) -> None:
    kind, pack = WRITTEN[form]
    files = {"a.csv": b"id\n1\n" * 300, "b.csv": bytes(range(256)) * 3}
    packed = bytearray(pack(files))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found, _ = opened(bytes(packed), kind)
    except (ArchiveUnreadable, ArchiveTooLarge):
        return
    assert all(content in files.values() for content in found.values())


@given(st.binary(max_size=2_000), st.sampled_from(["zip", "tar"]))
@settings(deadline=None)
def test_no_bytes_break_the_reading(data: bytes, kind: str) -> None:
    for head in (b"", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\3\4"):
        with pytest.raises((ArchiveUnreadable, ArchiveTooLarge)):
            opened(head + data, kind)


def test_a_bomb_is_refused_long_before_it_is_unpacked() -> None:
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("z.csv", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    with pytest.raises(ArchiveTooLarge, match=r"ST219 .* more than 200 times its own"):
        opened_in_memory(zeros.getvalue(), "zip", BOUNDS)
    tar = io.BytesIO()
    with gzip.open(tar, "wb", 1) as packed:
        info = tarfile.TarInfo("z.csv")
        info.size = 300 << 20
        packed.write(info.tobuf())
        for _ in range(300):
            packed.write(bytes(1 << 20))
    with pytest.raises(ArchiveTooLarge, match="ST219"):
        opened_in_memory(tar.getvalue(), "tar", BOUNDS)
    with pytest.raises(ArchiveTooLarge, match=r"more than 100\.0 MB"):
        opened_in_memory(tar.getvalue(), "tar", Bounds(10, 100_000_000, 10_000))


def opened_in_memory(data: bytes, kind: str, bounds: Bounds) -> None:
    """Read it piece by piece, in little memory."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    try:
        for member in ArchiveUnpacker().members(io.BytesIO(data), kind, "a.x", bounds, lambda path: True, print):
            for _ in member.content:
                pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak - before < 20_000_000


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_too_many_files_are_refused(form: str) -> None:
    kind, pack = WRITTEN[form]
    many = pack({f"{number}.csv": b"" for number in range(11)})
    assert len(opened(many, kind, Bounds(11, 100_000, 10))[0]) == 11
    with pytest.raises(ArchiveTooLarge, match="more than 10 files"):
        opened(many, kind, Bounds(10, 100_000, 10))
    crowd = pack({f"{number:0200}.csv": b"" for number in range(2_000)})
    with pytest.raises(ArchiveTooLarge, match="more than 10 files"):
        opened(crowd, kind, Bounds(10, 1_000_000_000, 10))


def test_a_directory_that_would_fill_the_memory_is_not_read() -> None:
    data = zipped({"a.csv": b"1"})
    at = data.rfind(b"PK\5\6")
    lying = data[: at + 12] + struct.pack("<L", 3_000_000_000) + data[at + 16 :]
    with pytest.raises(ArchiveTooLarge):
        opened(lying, "zip")


def test_a_header_that_would_fill_the_memory_is_not_read() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    with pytest.raises(ArchiveUnreadable, match="a header of 1,099,511,627,776 bytes"):
        opened(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000), "tar")


def test_an_encrypted_file_is_told() -> None:
    data = bytearray(zipped({"a.csv": b"1"}))
    data[6] |= 1
    data[data.rfind(b"PK\1\2") + 8] |= 1
    with pytest.raises(ArchiveUnreadable, match="encrypted"):
        opened(bytes(data), "zip")
    assert opened(bytes(data), "zip", wanted=lambda path: False) == ({}, []), "one that nobody wants is in nobody's way"


def test_links_and_devices_are_passed_over_and_told() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("l", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE), ("c", tarfile.CHRTYPE), ("p", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(f"{name}.csv")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("real.csv"))
    assert opened(out.getvalue(), "tar") == ({"real.csv": b""}, ["l.csv", "h.csv", "c.csv", "p.csv"])
    link = zipfile.ZipInfo("l.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert opened(out.getvalue(), "zip") == ({}, ["l.csv"])


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_names_stay_within_the_archive(form: str) -> None:
    kind, pack = WRITTEN[form]
    names = {
        "/abs.csv": "abs.csv",
        "../../up.csv": "_/_/up.csv",
        "a/../b.csv": "a/_/b.csv",
        "./dot.csv": "dot.csv",
        "c//d.csv": "c/d.csv",
    }
    assert list(opened(pack(dict.fromkeys(names, b"x")), kind)[0]) == list(names.values())


def test_a_zip_written_on_windows_has_folders() -> None:
    data = zipped({"a|b.csv": b"1"}).replace(b"a|b.csv", b"a\\b.csv")
    assert opened(data, "zip")[0] == {"a/b.csv": b"1"}


def test_a_name_does_not_end_at_a_nul() -> None:
    data = zipped({"a_b.csv": b"1"}).replace(b"a_b.csv", b"a\0b.csv")
    assert opened(data, "zip")[0] == {"a\0b.csv": b"1"}, "to be escaped where it is shown"


def test_a_sparse_file_is_told() -> None:
    info = tarfile.TarInfo("x.csv")
    info.type = tarfile.GNUTYPE_SPARSE
    with pytest.raises(ArchiveUnreadable, match="sparse"):
        opened(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024), "tar")
