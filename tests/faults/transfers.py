"""A project that lands and copies from real servers, what its files must be, and the examination after its processes died."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Self

import msgspec
import obstore
from obstore.store import S3Store as Bucket
from tests.faults.child import LIVES, Death, command_line, transfer
from tests.faults.far_side import BUCKET, FarSide
from tests.faults.process import Ended, Process, process

from startrail.wiring import open_project

KINDS = ("ftp", "sftp", "s3")
_PAUSE_SECONDS = 0.02


class Broken(AssertionError):
    """A file is lost, doubled, half, or left behind."""


class Setting(msgspec.Struct, frozen=True):
    """Which store and ledger the project has, and where it copies to: ``local`` or ``s3``; ``sqlite`` or an address."""

    name: str
    store: str
    dsn: str | None = None
    """The variable that names a PostgreSQL database; None: the ledger is SQLite."""


class Transfers:
    """One project over a far side. ``truth`` is what ever was under each name of each feed: the digests, the newest last."""

    def __init__(self, folder: Path, side: FarSide, setting: Setting) -> None:
        self.root, self.side, self.setting = folder / "project", side, setting
        self.target = folder / "target"
        self.truth: dict[str, dict[str, list[str]]] = {kind: {} for kind in KINDS}
        self._area = setting.name
        self.bucket = Bucket(
            BUCKET, region="us-east-1", endpoint=side.endpoint, access_key_id="test", secret_access_key="test",
            client_options={"allow_http": True},
        )  # fmt: skip
        self._write()

    # -- the far side -----------------------------------------------------------------------------------
    def arrive(self, random: Random, files: int = 4, *, large: int = 9 << 20) -> None:
        """New files on every server, one of them large, and one old name with new content."""
        for kind in KINDS:
            names = [f"{len(self.truth[kind]) + number:04d}.bin" for number in range(files)]
            names += random.sample(sorted(self.truth[kind]), min(1, len(self.truth[kind])))
            big = random.choice(names) if kind == random.choice(KINDS) else ""
            for name in names:
                self._put(kind, name, random.randbytes(large if name == big else random.choice((0, 300, 70_000, 700_000))))

    def _put(self, kind: str, name: str, content: bytes) -> None:
        self.truth[kind].setdefault(name, []).append(hashlib.sha256(content).hexdigest())
        if kind == "s3":
            obstore.put(self.bucket, f"far/{self._area}/{name}", content)
            return
        path = self.side.root / kind / self._area / name
        path.parent.mkdir(exist_ok=True)
        arriving = path.with_name(name + ".part")
        arriving.write_bytes(content)
        arriving.rename(path)

    # -- commands ---------------------------------------------------------------------------------------
    @property
    def commands(self) -> list[tuple[str, ...]]:
        """A run that lands everything, and a copy of each source."""
        return [("run",), *(("sources", "copy", kind, "--to", f"{self._to}/{kind}") for kind in KINDS)]

    @contextmanager
    def running(self, command: tuple[str, ...], death: Death = LIVES, *, in_parts: bool = False) -> Iterator[Process]:
        with process(
            transfer if in_parts else command_line, death, (*command, "-C", str(self.root), "--json", "--wait", "60")
        ) as child:
            yield child

    def done(self, command: tuple[str, ...]) -> Ended:
        """To its end, which must be a good one."""
        with self.running(command) as child:
            ended = child.ended()
        if ended.code != 0 or "Traceback" in ended.errors:
            raise Broken(f"{command} ended with {ended.code}: {ended.events[-3:]} {ended.errors[-3000:]}")
        return ended

    # -- examination ------------------------------------------------------------------------------------
    def examine_whole(self) -> int:
        """After commands that nobody killed: every file is there, whole and once. Returns how many files."""
        with open_project(self.root, "local", read_only=True) as opened:
            ledger, store = opened.ports.ledger, opened.ports.store
            for kind in KINDS:
                self._landed_once(kind, [d.sha256 for d in ledger.deliveries(kind)])
                for delivery in ledger.deliveries(kind):
                    self._same(f"landed {kind}/{delivery.name}", store.get(delivery.key), delivery.sha256)
                self._copied_once(kind, [json.loads(f.payload) for f in ledger.facts(kind="source.copied", subject=kind)])
                there = {name.removeprefix(f"{kind}/"): sha for name, sha in self.copied().items() if name.startswith(f"{kind}/")}
                want = {f"{self._area}/{name}": shas[-1] for name, shas in self.truth[kind].items()}
                if there != want:
                    raise Broken(f"{kind} at the target: {_differences(there, want)}")
        return sum(map(len, self.truth.values()))

    def copied(self) -> dict[str, str]:
        """What a reader of the target sees now, by name: digests."""
        if self.setting.store == "local":
            found = {}
            for path in self.target.rglob("*.bin"):
                with suppress(FileNotFoundError):
                    found[path.relative_to(self.target).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
            return found
        return {name: hashlib.sha256(self._object(f"{self._area}-target/{name}")).hexdigest() for name in self._names("-target/")}

    def uploads(self) -> list[str]:
        """Keys of uploads of this project that were begun and not finished."""
        with urllib.request.urlopen(f"{self.side.endpoint}/{BUCKET}?uploads", timeout=120) as answer:
            return [key for key in re.findall("<Key>([^<]*)<", answer.read().decode()) if key.startswith(self._area)]

    def scratch(self) -> list[str]:
        """What lies aside, in store and target."""
        if self.setting.store == "local":
            return [str(path) for root in (self.target, self.root) for path in root.rglob(".scratch/*") if path.is_file()]
        return [name for suffix in ("-target/", "-own/") for name in self._names(suffix, aside=True)]

    def write_large(self) -> None:
        """Something large goes into store and target, and away again."""
        from startrail.wiring.copying import _target

        with open_project(self.root, "local") as opened:
            for store in (opened.ports.store, _target(self.root, opened.profile, self._to)[0]):
                assert store.put_as(iter([bytes(1 << 20)] * 12), "large")
                store.delete("large")
                for kind in KINDS:
                    nested, _ = _target(self.root, opened.profile, f"{self._to}/{kind}")
                    assert nested.put_as(iter([bytes(1 << 20)] * 12), "large")
                    nested.delete("large")

    def _landed_once(self, kind: str, landed: list[str]) -> None:
        want = {sha for shas in self.truth[kind].values() for sha in shas}
        if len(set(landed)) != len(landed):
            raise Broken(f"{kind}: landed twice: {[sha for sha, count in Counter(landed).items() if count > 1]}")
        # a version that was replaced before anybody looked is nobody's loss
        newest = {shas[-1] for shas in self.truth[kind].values()}
        if not newest <= set(landed) <= want:
            raise Broken(f"{kind}: {len(newest - set(landed))} not landed, {len(set(landed) - want)} landed that never were")

    def _copied_once(self, kind: str, facts: list[dict[str, str]]) -> None:
        told = Counter((fact["name"], fact["stamp"], fact["sha256"]) for fact in facts)
        if told and max(told.values()) > 1:
            raise Broken(f"{kind}: told twice as copied: {[each for each, count in told.items() if count > 1]}")
        newest = {name: sha for name, _, sha in ((fact["name"], fact["stamp"], fact["sha256"]) for fact in facts)}
        want = {f"{self._area}/{name}": shas[-1] for name, shas in self.truth[kind].items()}
        if newest != want:
            raise Broken(f"{kind}: told as copied: {_differences(newest, want)}")

    @staticmethod
    def _same(what: str, content: bytes, sha256: str) -> None:
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Broken(f"{what} is not what was sent")

    def _names(self, suffix: str, *, aside: bool = False) -> list[str]:
        prefix = self._area + suffix
        found = [each["path"] for batch in obstore.list(self.bucket, prefix=prefix.rstrip("/")) for each in batch]
        return [path.removeprefix(prefix) for path in found if (".scratch/" in path) == aside]

    def _object(self, path: str) -> bytes:
        return bytes(obstore.get(self.bucket, path).bytes())

    @property
    def _to(self) -> str:
        return str(self.target) if self.setting.store == "local" else f"s3://{BUCKET}/{self._area}-target"

    def _write(self) -> None:
        (self.root / "sources").mkdir(parents=True)
        profile: dict[str, object] = {"limits": {"parallel": 3, "retries": 1}}
        if self.setting.store == "s3":
            keys = {"access_key": "env:AWS_ACCESS_KEY_ID", "secret_key": "env:AWS_SECRET_ACCESS_KEY"}
            profile["store"] = {
                "kind": "s3", "bucket": BUCKET, "prefix": f"{self._area}-own", "endpoint": self.side.endpoint, **keys,
            }  # fmt: skip
        if self.setting.dsn is not None:
            profile["ledger"] = {"kind": "postgres", "dsn": f"env:{self.setting.dsn}"}
        (self.root / "startrail.yml").write_text(json.dumps({"name": "transfers", "profiles": {"local": profile}}))
        for kind in KINDS:
            feed = {**self.side.feed(kind), "pattern": f"{self._area}/*.bin", "transfers": 2}
            (self.root / f"sources/{kind}.yml").write_text(json.dumps({"feed": feed}))


class Watch:
    """Looks at the target all the time: whatever is there under a name is whole. A context; raises Broken at its end."""

    def __init__(self, transfers: Transfers) -> None:
        self._transfers = transfers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")
        self._broken: list[str] = []
        self._error: BaseException | None = None
        self.polls = self.files = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error
        if kind is None:
            self.judge()

    def judge(self) -> None:
        """Raises Broken when something was there that never was on the far side."""
        if self._broken:
            raise Broken(f"a reader saw files that never were: {self._broken[:5]}")

    def forgive(self) -> None:
        """What was seen so far does not count, and it looks no more."""
        self._stop.set()
        self._thread.join()
        self._broken.clear()

    def looks_again(self) -> None:
        """Wait until it has looked once more, from beginning to end."""
        seen = self.polls
        while self.polls < seen + 2 and self._error is None:
            time.sleep(_PAUSE_SECONDS)

    def _look(self) -> None:
        try:
            while not self._stop.wait(_PAUSE_SECONDS):
                for name, sha in self._transfers.copied().items():
                    kind, _, rest = name.partition("/")
                    if sha not in self._transfers.truth[kind].get(rest.rpartition("/")[2], ()):
                        self._broken.append(name)
                    self.files += 1
                self.polls += 1
        except BaseException as error:
            self._error = error


def _differences(have: dict[str, str], want: dict[str, str]) -> str:
    missing, extra = want.keys() - have.keys(), have.keys() - want.keys()
    other = [name for name in have.keys() & want.keys() if have[name] != want[name]]
    return f"missing {sorted(missing)[:5]}, too many {sorted(extra)[:5]}, not as they should be {sorted(other)[:5]}"
