"""The negative control: how files are usually copied from FTP to a folder. It is wrong on purpose.

A file that is there counts as copied, and it is written under its own name. It passes points of the same names.
"""

from __future__ import annotations

import ftplib
from pathlib import Path

from tests.fixtures.ftp import PASSWORD, USER

from startrail.base.crash import crash_point


def main(port: int, area: str, target: Path) -> None:
    """Copy what is in ``area`` of the server and not in ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    with ftplib.FTP(encoding="utf-8") as server:
        server.connect("127.0.0.1", port)
        server.login(USER, PASSWORD)
        server.cwd(area)
        for name in sorted(server.nlst()):
            if (target / name).exists():
                continue
            crash_point("before land")
            with (target / name).open("wb") as file:

                def write(block: bytes) -> None:
                    file.write(block)
                    file.flush()
                    crash_point("after landing bytes")

                server.retrbinary(f"RETR {name}", write, 65_536)
            crash_point("after recording delivery")
