"""Compressed deliveries: the quick decompressor takes exactly what the standard library takes."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path

from startrail.adapters.loader.blocks import Unreadable, opened

DATA = b"".join(b"%d,%d,abc\n" % (n, n * 7919 % 104_729) for n in range(3000))
WHOLE = gzip.compress(DATA)
TWO = gzip.compress(DATA[:9000]) + gzip.compress(DATA[9000:])


def read(data: bytes, path: Path) -> bytes | Unreadable:
    path.write_bytes(data)
    try:
        with opened(path, "csv+gzip") as file:
            return b"".join(iter(lambda: file.read(4096), b""))
    except Unreadable as unreadable:
        return unreadable


def standard(data: bytes) -> bytes | None:
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return None


def test_several_members_are_one_text_and_zeros_may_follow(tmp_path: Path) -> None:
    for data in (WHOLE, TWO, WHOLE + b"\0" * 100):
        assert read(data, tmp_path / "file") == DATA


def test_garbage_behind_the_last_member_is_damage_or_a_member_cut_off(tmp_path: Path) -> None:
    for rest in (b"garbage", b"\0\0xyz", b"\x1f\x8b\x08", b"longer garbage than any header"):
        assert isinstance(read(WHOLE + rest, tmp_path / "file"), Unreadable)


def test_a_stream_that_is_cut_off_anywhere_is_cut_off(tmp_path: Path) -> None:
    for data in (WHOLE, TWO):
        for end in [*range(2, 60), *range(60, len(data), 211), *range(len(data) - 20, len(data))]:
            found = read(data[:end], tmp_path / "file")
            if standard(data[:end]) is None:
                assert isinstance(found, Unreadable)
                assert (found.reason, found.drift[0].kind) == ("the gzip stream is cut off", "truncated")
            else:
                assert found == DATA[: 9000 if data is TWO else None]


def test_a_changed_bit_is_never_read_as_other_text(tmp_path: Path) -> None:
    source = random.Random(5)
    for _ in range(400):
        data = bytearray(source.choice((WHOLE, TWO)))
        at = source.randrange(len(data)) if source.random() < 0.7 else source.randrange(20)
        data[at] ^= 1 << source.randrange(8)
        expected = standard(bytes(data))
        found = read(bytes(data), tmp_path / "file")
        assert isinstance(found, Unreadable) if expected is None else found == expected
