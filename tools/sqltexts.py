"""The query texts of TPC-H and TPC-DS, for tests: taken out of a pinned source distribution, into a cache outside the repository.

The texts are their authors' own and are not part of this project. ``python tools/sqltexts.py`` prints the folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE, VERSION = "sqlglot", "30.30.0"
SHA256 = "b8e344042c85d7baa1d0d827127dfe1611ce9ac59bceab6fe370665baeb14ce7"
MEMBERS = {
    "tests/fixtures/optimizer/tpc-h/tpc-h.sql": "tpc-h.sql",
    "tests/fixtures/optimizer/tpc-ds/tpc-ds.sql": "tpc-ds.sql",
    "tests/helpers.py": "schemas.py",
}
"""What is taken out of the archive, and what it is called in the cache."""


class NotFetched(Exception):
    """The texts are not here, and why."""


def folder() -> Path:
    """The folder with the texts, fetched when it is not there yet. Raises NotFetched."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = home / "startrail-tests" / f"{PACKAGE}-{VERSION}"
    if not all((found / name).is_file() for name in MEMBERS.values()):
        _fetch(found)
    return found


def _fetch(into: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        archive = _downloaded(Path(scratch))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != SHA256:
            raise NotFetched(f"{archive.name} has the checksum {digest}, not the one that is expected")
        ready = Path(scratch) / "ready"
        ready.mkdir()
        with tarfile.open(archive) as opened:
            for member, name in MEMBERS.items():
                content = opened.extractfile(f"{PACKAGE}-{VERSION}/{member}")
                if content is None:
                    raise NotFetched(f"{archive.name} holds no {member}")
                (ready / name).write_bytes(content.read())
        into.mkdir(parents=True, exist_ok=True)
        for name in MEMBERS.values():  # several test processes may do this at once, with the same bytes
            partial = into / f".{name}.{os.getpid()}"
            shutil.copyfile(ready / name, partial)
            partial.replace(into / name)


def _downloaded(scratch: Path) -> Path:
    wanted = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(scratch), f"{PACKAGE}=={VERSION}"]
    reason = "there is no pip"
    for command in _clients():
        try:
            done = subprocess.run([*command, *wanted], capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 -- words of our own
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
            continue
        found = sorted(scratch.glob("*.tar.gz"))
        if found:
            return found[0]
        reason = (done.stderr.strip().splitlines() or ["no archive came"])[-1]
    raise NotFetched(f"{PACKAGE} {VERSION} could not be fetched: {reason}")


def _clients() -> list[list[str]]:
    named = shutil.which("pip") or shutil.which("pip3")
    return [[sys.executable, "-m", "pip"], *([[named]] if named else [])]


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{folder()}\n")
    except NotFetched as missing:
        sys.exit(str(missing))
