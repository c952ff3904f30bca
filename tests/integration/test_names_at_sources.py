"""Files that are renamed, replaced and deleted on real servers are told as facts, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.sftp import SSH_USER, SftpServer
from tests.fixtures.till import Till

ONE, TWO, THREE = b"id\n1\n", b"id\n2\n", b"id\n3\n"


@pytest.fixture(params=["folder", "ftp", "sftp"])
def far(
    request: pytest.FixtureRequest, tmp_path: Path, ftp_server: FtpServer, sftp_server: SftpServer, monkeypatch: Any
) -> tuple[Till, Path]:
    """A project whose one source only lands, and the folder that its server serves."""
    kind = request.param
    monkeypatch.setenv("FAR_PASSWORD", PASSWORD)
    feed: dict[str, Any] = {"kind": kind, "pattern": "*.csv"}
    if kind == "folder":
        root = tmp_path / "far"
        root.mkdir()
        feed |= {"path": str(root)}
    elif kind == "ftp":
        root = ftp_server.root
        feed |= {"host": "127.0.0.1", "port": ftp_server.port, "user": USER, "password": "env:FAR_PASSWORD"}
    else:
        root = sftp_server.root
        (tmp_path / "key").write_text(sftp_server.private_client_key)
        feed |= {"host": "127.0.0.1", "port": sftp_server.port, "user": SSH_USER, "path": "/"}
        feed |= {"key": f"file:{tmp_path / 'key'}", "host_key": sftp_server.public_key}
    till = Till(tmp_path / "project")
    till.put("startrail.yml", "name: names\n")
    till.put("sources/far.yml", json.dumps({"feed": feed}))
    return till, root


def told(till: Till) -> list[tuple[str, int, list[str]]]:
    found = till.call("sources", "status", "--history", "--json").of("happened")
    return [(each["fact"], each["count"], each["names"]) for each in found]


def run(till: Till) -> None:
    done = till.run(now=None)
    assert done.code == 0, done.text


def test_what_becomes_of_files_is_told_once(far: tuple[Till, Path]) -> None:
    till, root = far
    (root / "a.csv").write_bytes(ONE)
    (root / "b.csv").write_bytes(TWO)
    run(till)
    run(till)
    assert told(till) == []
    (root / "a.csv").rename(root / "c.csv")
    (root / "b.csv").write_bytes(THREE + b"4\n")
    run(till)
    expected: list[tuple[str, int, list[str]]] = [("renamed", 1, ["a.csv > c.csv"]), ("replaced", 1, ["b.csv"])]
    assert told(till) == expected
    (root / "c.csv").unlink()
    run(till)
    run(till)
    assert told(till) == [*expected, ("deleted", 1, ["c.csv"])]
    (root / "c.csv").write_bytes(ONE)
    run(till)
    (root / "c.csv").unlink()
    run(till)
    assert told(till)[-1] == ("deleted", 1, ["c.csv"])
    assert len(told(till)) == 4


def test_a_listing_that_fails_tells_nothing(far: tuple[Till, Path]) -> None:
    till, root = far
    (root / "a.csv").write_bytes(ONE)
    run(till)
    moved = root.parent / "moved"
    root.rename(moved)
    till.run(now=None)
    moved.rename(root)
    run(till)
    assert told(till) == []
