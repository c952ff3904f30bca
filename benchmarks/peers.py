"""Other tools, each in an environment of its own, installed when a benchmark first needs it.

Environments are kept in ``$STARTRAIL_BENCH_CACHE``, or else in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from benchmarks.processes import output

PEERS = {
    "dbt": ("dbt-core==1.11.*", "dbt-duckdb>=1.10"),
    "sqlmesh": ("sqlmesh==0.236.*",),
    "sqllineage": ("sqllineage==1.5.*",),
    "dlt": ("dlt[duckdb,filesystem]==1.31.*", "pandas", "pyarrow"),
    "datacontract": ("datacontract-cli[duckdb]==1.2.*",),
}
_SHOWN = {
    "dbt": ("dbt-core", "dbt-duckdb", "duckdb"),
    "sqlmesh": ("sqlmesh", "duckdb"),
    "dlt": ("dlt", "duckdb"),
    "datacontract": ("datacontract-cli",),
    "sqllineage": ("sqllineage", "sqlfluff"),
}


def environment(peer: str) -> Path:
    """The folder with the peer's programs."""
    packages = PEERS[peer]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = hashlib.sha256(" ".join((version, *packages)).encode()).hexdigest()[:12]
    folder = cache() / f"{peer}-{name}"
    programs = folder / "bin"
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _install(folder, programs, packages)
        output([programs / "python", "-m", "compileall", "-q", folder / "lib"])
        done.touch()
    return programs


def versions(peer: str) -> str:
    """What was installed, as in ``dbt-core 1.11.16, duckdb 2.0.0``."""
    code = "import sys\nfrom importlib.metadata import version\nprint(', '.join(f'{n} {version(n)}' for n in sys.argv[1:]))"
    return output([environment(peer) / "python", "-c", code, *_SHOWN[peer]]).strip()


def cache() -> Path:
    chosen = os.environ.get("STARTRAIL_BENCH_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "startrail-benchmarks"


def _install(folder: Path, programs: Path, packages: tuple[str, ...]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = shutil.which("uv") or shutil.which("uv", path=".uv/bin")
    if uv:
        output([uv, "venv", "--quiet", "--python", sys.executable, folder])
        output([uv, "pip", "install", "--quiet", "--python", programs / "python", *packages])
    else:
        output([sys.executable, "-m", "venv", folder])
        output([programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
