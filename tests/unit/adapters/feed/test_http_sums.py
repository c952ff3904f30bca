"""Checksums that come along with an HTTP answer."""

from __future__ import annotations

import base64
import hashlib

import pytest

from startrail.adapters.feed.http.sums import announced, compared
from startrail.ports.feed import OtherBytes

CONTENT = b"id\n1\n2\n"


def _of(algorithm: str, content: bytes = CONTENT) -> str:
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Repr-Digest": f"sha-256=:{_of('sha256')}:"},
        {"Content-Digest": f"unixsum=:MTA=:, sha-512=:{_of('sha512')}:"},
        {"Digest": f"SHA-256={_of('sha256')},unixsum=10"},
        {"Content-MD5": _of("md5")},
    ],
)
def test_what_differs_from_the_announced_digest_is_refused_at_its_end(headers: dict[str, str]) -> None:
    assert announced(headers) is not None
    assert b"".join(compared(iter([CONTENT[:3], CONTENT[3:]]), headers, "a.csv")) == CONTENT
    with pytest.raises(OtherBytes, match=r"ST242 'a\.csv'"):
        list(compared(iter([CONTENT, b"!"]), headers, "a.csv"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Digest": "sha-256=short"},
        {"Content-MD5": "not base64"},
        {"Repr-Digest": "crc32c=:AAAAAA==:"},
        {"Content-MD5": _of("md5", b"packed"), "Content-Encoding": "gzip"},
    ],
)
def test_what_cannot_be_compared_is_taken_as_it_comes(headers: dict[str, str]) -> None:
    assert announced(headers) is None
    assert b"".join(compared(iter([CONTENT]), headers, "a.csv")) == CONTENT
