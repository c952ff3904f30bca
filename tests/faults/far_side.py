"""Servers in a process of their own, which lives on when those that read from it are killed: FTP, SFTP and an S3 API."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

BUCKET = "lake"


class FarSide(msgspec.Struct, frozen=True):
    """Where to reach them. FTP and SFTP serve the folders ``ftp`` and ``sftp`` below the root."""

    root: Path
    ftp: int
    sftp: int
    host_key: str
    endpoint: str

    def feed(self, kind: str) -> dict[str, object]:
        """A declaration."""
        from tests.fixtures.ftp import USER
        from tests.fixtures.sftp import SSH_USER

        login = {"host": "127.0.0.1", "password": "env:FAR_PASSWORD", "pattern": "**", "complete": {"suffix": ".part"}}
        match kind:
            case "ftp":
                return {"kind": "ftp", "port": self.ftp, "user": USER, **login}
            case "sftp":
                return {"kind": "sftp", "port": self.sftp, "user": SSH_USER, "path": "/", "host_key": self.host_key, **login}
        keys = {"access_key": "env:AWS_ACCESS_KEY_ID", "secret_key": "env:AWS_SECRET_ACCESS_KEY"}
        return {"kind": "s3", "bucket": BUCKET, "prefix": "far", "pattern": "**", "endpoint": self.endpoint, **keys}


@contextmanager
def far_side(root: Path) -> Iterator[FarSide]:
    """Such a process; it ends with the block, or with this process."""
    for name in ("ftp", "sftp"):
        (root / name).mkdir(parents=True)
    here = Path(__file__).resolve().parents[2]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.far_side", str(root)],
        cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        found = json.loads(server.stdout.readline())
        side = FarSide(root, found["ftp"], found["sftp"], found["host_key"], found["endpoint"])
        with urllib.request.urlopen(urllib.request.Request(f"{side.endpoint}/{BUCKET}", method="PUT"), timeout=120):
            pass
        yield side
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait(120)


def main(root: Path) -> None:
    from tests.fixtures.ftp import FtpServer
    from tests.fixtures.s3 import served
    from tests.fixtures.sftp import SftpServer

    logging.disable()
    ftp, sftp = FtpServer(root / "ftp"), SftpServer(root / "sftp")
    with served() as endpoint:
        told = {"ftp": ftp.port, "sftp": sftp.port, "host_key": sftp.public_key, "endpoint": endpoint}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    ftp.close()
    sftp.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
