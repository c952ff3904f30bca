"""What it costs to bring files from FTP and SFTP to the S3 API and to a disk, beside rclone, lftp and a plain script.

    python -m benchmarks transfer [--quick] [--rounds 3] [--parts small,large,wire,many,names,growing]

Wall seconds of the command, from its start to its end; CPU seconds and peak memory of its process and of those it waited for
(the largest one of them). All contenders use the same servers and take turns; servers and client share the machine, so that
seconds say little and ratios much. To a disk all are measured until the files would survive a power cut, which Startrail takes
care of by itself; a sync of each file is added to the others. rclone checks sizes only, as it is used here; beside it stands
rclone with a sha256sum of what it has written, which is what else ours knows at the end.

On loopback two cores measure processors. `wire` is the same over a relay of 1 Gbit/s with 5 ms each way.

Ways into a bucket, a stream of 105 MB, CPU seconds a GB. To a server that compares checksums: ours in one PUT 0.75, of which
SHA-256 0.6, and in parts 1.2 (a CRC-32 of each besides). To moto, which compares none: ours 2.3 either way (MD5 1.4), obstore 0.8
(nothing is compared, and no SHA-256 known), boto3 2.5 with 140 MB more memory.
"""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import transfer_servers as servers
from benchmarks.figures import Figure
from benchmarks.transfer_peers import CONTENDERS, Job, environment, may, safely
from benchmarks.transfer_servers import BUCKET, Bucket, Far
from benchmarks.transfer_wire import Speed, wired

MB = 1_000_000
PARTS = ("small", "large", "wire", "many", "names", "growing")
WIRE = Speed(1000, 5.0)
MOST_MEMORY = 300


class Cost(NamedTuple):
    """Seconds, and bytes."""

    wall: float
    cpu: float
    memory: int


class Files(NamedTuple):
    """What a part copies, and between what: pairs of ``ftp`` or ``sftp`` and ``disk``, ``moto`` or ``s3rver``."""

    count: int
    size: int
    ways: tuple[tuple[str, str], ...]
    rounds: int = 9


def figures(rounds: int, *, quick: bool = False, parts: tuple[str, ...] = PARTS) -> list[Figure]:
    """Startrail's throughput held against rclone's: the ratio of their seconds is to be 1 at most."""
    both = (("ftp", "disk"), ("sftp", "disk"), ("ftp", "moto"), ("sftp", "moto"))
    sizes = {
        "small": Files(20 if quick else 200, MB, (*both, ("ftp", "s3rver"), ("sftp", "s3rver"))),
        "large": Files(2 if quick else 5, (20 if quick else 200) * MB, both),
        "many": Files(200 if quick else 10_000, 1_000, (("ftp", "disk"),), 1),
    }
    found: list[Figure] = []
    with ExitStack() as stack:
        place = Place(stack)
        for part in parts:
            if part in sizes:
                found += copies(place, part, sizes[part], rounds)
        if "wire" in parts:
            disk = (("ftp", "disk"), ("sftp", "disk"))
            for part in ("small", "large"):
                found += copies(place, part, sizes[part]._replace(ways=disk), rounds, WIRE)
        if "names" in parts:
            found += names(place, 1_000 if quick else 100_000)
        if "growing" in parts:
            found += growing(place, (4 if quick else 40) * MB)
    return found


class Place:
    """Folders and servers, started when they are first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.root = self.folder / "root"
        self.root.mkdir()
        self.folder.chmod(0o755)
        self._started: dict[str, Far | Bucket] = {}
        self.warm: set[str] = set()

    def far(self, kind: str, wire: Speed | None = None) -> Far:
        if wire is not None:
            server = self._server(f"{kind} {wire}", lambda: wired(self.far(kind), wire))
        else:
            server = self._server(kind, lambda: {"ftp": servers.ftp, "sftp": servers.sftp}[kind](self.root, self.folder))
        assert isinstance(server, Far)
        return server

    def target(self, kind: str) -> Bucket | Path:
        """Empty."""
        if kind == "disk":
            shutil.rmtree(self.folder / "disk", ignore_errors=True)
            (self.folder / "disk").mkdir()
            return self.folder / "disk"
        server = self._server(kind, lambda: servers.moto() if kind == "moto" else servers.s3rver(self.folder))
        assert isinstance(server, Bucket)
        server.empty(self.folder)
        return server

    def fill(self, files: Files) -> None:
        shutil.rmtree(self.root)
        self.root.mkdir()
        for number in range(files.count):
            with (self.root / f"{number:06}.csv").open("wb") as out:
                for start in range(0, files.size, MB):
                    out.write(secrets.token_bytes(min(MB, files.size - start)))
        self.root.chmod(0o755)

    @contextmanager
    def own(self) -> Iterator[Path]:
        """A folder for what a contender keeps of its own."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    def _server(self, kind: str, start):
        if kind not in self._started:
            self._started[kind] = self._stack.enter_context(start())
        return self._started[kind]


def copies(place: Place, part: str, files: Files, rounds: int, wire: Speed | None = None) -> list[Figure]:
    """Each way and each contender: medians of rounds in which they take turns."""
    place.fill(files)
    gigabytes = files.count * files.size / 1e9
    found: list[Figure] = []
    for far, kind in files.ways:
        if not place.warm.issuperset((far, kind)):  # an installed package is compiled
            copied(place, "startrail", Job(place.far(far, wire), place.target(kind), place.folder), files)
            place.warm |= {far, kind}
        costs: dict[str, list[Cost]] = {}
        for _ in range(min(rounds, files.rounds)):
            for name in CONTENDERS:
                job = Job(place.far(far, wire), place.target(kind), place.folder)
                if may(name, job):
                    costs.setdefault(name, []).append(copied(place, name, job, files))
        way = f"{files.count:,} x {files.size / MB:g} MB, {far} to {kind}"
        way += f" over {wire.rate:,} Mbit/s and {wire.delay:g} ms" if wire is not None else ""
        middle = {name: _middle(several) for name, several in costs.items()}
        for name, cost in middle.items():
            speed = (
                f"{1000 * gigabytes / cost.wall:.0f} MB/s, " if files.size >= MB else f"{files.count / cost.wall:.0f} files/s, "
            )
            found.append(Figure(f"{way}: {name}, {speed}{cost.cpu / gigabytes:.2g} CPU s/GB", cost.wall, "s"))
            if part != "many" or name == "startrail":
                found.append(
                    Figure(f"{way}: {name}, memory", cost.memory / MB, "MB", MOST_MEMORY if name == "startrail" else None)
                )
        for name, cost in middle.items():
            if name != "startrail":
                goal = 1.0 if name == "rclone" else None
                found.append(Figure(f"{way}: time, to {name}", middle["startrail"].wall / cost.wall, "x", goal))
    return found


def copied(place: Place, name: str, job: Job, files: Files) -> Cost:
    """One copy, whole."""
    with place.own() as own:
        job = job._replace(folder=own)
        cost = measured(safely(CONTENDERS[name](job), job), environment(job))
    count, size = there(job.target)
    assert (count, size) == (files.count, files.count * files.size), (name, count, size)
    print(
        f"{files.count:,} files, {job.far.scheme} to {_shown(job.target)}: {name} {cost.wall:.2f} s, {cost.cpu:.2f} s CPU",
        file=sys.stderr,
    )
    return cost


def _shown(target: Bucket | Path) -> str:
    return target.program if isinstance(target, Bucket) else "disk"


def there(target: Bucket | Path) -> tuple[int, int]:
    """How many files and bytes a target has."""
    if isinstance(target, Path):
        sizes = [path.stat().st_size for path in target.rglob("*") if path.is_file()]
    else:
        import boto3

        who = {"aws_access_key_id": "S3RVER", "aws_secret_access_key": "S3RVER"}
        client = boto3.client("s3", endpoint_url=target.endpoint, region_name="us-east-1", **who)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        sizes = [found["Size"] for page in pages for found in page.get("Contents", ())]
    return len(sizes), sum(sizes)


def measured(command: list[str], environment: dict[str, str]) -> Cost:
    """Run it. One that fails ends the benchmark, with its last words."""
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        assert process.returncode == 0, said.read()[-2000:].decode(errors="replace")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def names(place: Place, count: int) -> list[Figure]:
    """Many names, all new and then none of them: what it costs to find that out. Over SSH a tenth of them."""
    found: list[Figure] = []
    for kind, number in (("sftp", count // 10), ("ftp", count)):
        _touch(place, number)
        with place.own() as own:
            job = Job(place.far(kind), place.target("disk"), own)
            command = [str(word) for word in CONTENDERS["startrail"](job)]
            first, again = measured(command, environment(job)), measured(command, environment(job))
        assert there(job.target)[0] == number
        what = f"{number:,} empty files, {kind} to disk"
        found.append(Figure(f"{what}: the first time", first.wall, "s"))
        found.append(Figure(f"{what}: the first time, memory", first.memory / MB, "MB", MOST_MEMORY))
        found.append(Figure(f"{what}: again, nothing new", again.wall, "s"))
        found.append(Figure(f"{what}: again, nothing new, memory", again.memory / MB, "MB", MOST_MEMORY))
    return found


def _touch(place: Place, count: int) -> None:
    place.fill(Files(0, 0, ()))
    for number in range(count):
        path = place.root / f"{number:06}.csv"
        path.touch()
        os.utime(path, (1_700_000_000, 1_700_000_000))


def growing(place: Place, size: int) -> list[Figure]:
    """Every contender while a file is written at its source: which share of it each has stored, with success."""
    found: list[Figure] = []
    for name in CONTENDERS:
        place.fill(Files(1, MB, ()))
        with place.own() as own:
            job = Job(place.far("ftp"), place.target("disk"), own)
            if not may(name, job):
                continue
            command = [str(word) for word in CONTENDERS[name](job)]
            path = place.root / "000000.csv"
            writer = threading.Thread(target=_append, args=(path, size))
            writer.start()
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment(job), check=False)
            stored = there(job.target)[1]
            writer.join()
            whole = path.stat().st_size
        goal = 0.0 if name == "startrail" else None
        found.append(Figure(f"a file that grows to {whole / MB:.0f} MB: half of it stored by {name}", stored / MB, "MB", goal))
    return found


def _append(path: Path, size: int) -> None:
    """For some seconds, more than any of them takes to begin."""
    for _ in range(50):
        with path.open("ab") as out:
            out.write(bytes(size // 50))
        time.sleep(0.1)


def _middle(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(each) for each in zip(*costs, strict=True)))  # type: ignore[arg-type]
