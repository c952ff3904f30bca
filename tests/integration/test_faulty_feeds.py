"""Servers that refuse, hang, break off, lie and change: ``sources test``, ``run`` and ``sources copy`` say the same clear words,
nothing half arrives, and once the server is well again the next calls bring exactly what is missing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fixtures.fault_proxy import Fault, FaultProxy, FtpProxy
from tests.fixtures.faulty import Job, far_files, said, words
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.sftp import SSH_USER, SftpServer

from startrail.adapters.clock import SystemClock

PATIENT, IMPATIENT = "20s", "0.6s"
OLD = 1_700_000_000
MIDDLE = 200_000
"""An offset within the big file's first tries, beyond every listing and greeting."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    for name in ("FAR_PASSWORD", "FAR_KEY"):
        monkeypatch.setenv(name, {"FAR_PASSWORD": PASSWORD, "FAR_KEY": "test"}[name])


class Case(NamedTuple):
    """``test`` and ``bring`` are what ``sources test``, and what ``run`` and ``copy`` come to: ``ok``, ``left`` or a code."""

    name: str
    fault: Any
    test: str
    bring: str
    timeout: str = PATIENT


def examine(case: Case, job: Job, truth: dict[str, bytes], *, copies: bool = True) -> None:
    """While the server is as the case says."""
    told = []
    for command, expected in ((job.test, case.test), (job.run, case.bring), (job.copy, case.bring))[: 3 if copies else 2]:
        done = command()
        assert re.fullmatch(expected, said(done)), f"{command.__name__} said {said(done)}: {done.text}"
        job.examine(truth)
        told.append(re.sub(r"\d+", "N", words(done)))
        _TABLE.append(f"{case.name:50} {command.__name__:5} {said(done):6} {words(done)}")
    assert case.test != case.bring or len(set(told)) == 1, told


_TABLE: list[str] = []


@pytest.fixture(autouse=True, scope="module")
def table() -> Iterator[None]:
    """What each case came to, with ``-s``."""
    yield
    print("\n" + "\n".join(_TABLE))  # noqa: T201


# -- FTP and FTPS -------------------------------------------------------------------------------------------


class FtpFar:
    """Files on an FTP server behind a relay."""

    def __init__(self, root: Path, tls: str | None, certificate: Path) -> None:
        root.mkdir()
        self.root, self.truth = root, far_files()
        for name, content in self.truth.items():
            (root / name).write_bytes(content)
            os.utime(root / name, (OLD, OLD))
        self.proxy = FtpProxy()
        self.server = FtpServer(root, tls=tls, certificate=certificate, behind=self.proxy)
        self._tls, self._certificate = tls, certificate

    def feed(self, timeout: str) -> dict[str, Any]:
        feed = {
            "kind": "ftp", "host": "127.0.0.1", "port": self.proxy.port, "user": USER, "password": "env:FAR_PASSWORD",
            "pattern": "*.csv", "timeout": timeout,
        }  # fmt: skip
        more = {"kind": "ftps", "implicit": self._tls == "implicit", "ca_file": str(self._certificate)}
        return feed | more if self._tls else feed

    def breaks(self, where: str, what: Any) -> None:
        if where == "lies":
            self.server.lies = what
        elif where == "last word":
            self.proxy.data.set(Fault("do", MIDDLE, deed=lambda: setattr(self.proxy.control, "mute", True)))
        else:
            {"control": self.proxy.control, "data": self.proxy.data}[where].set(replace(what))

    def is_well(self) -> None:
        self.server.lies = 0
        self.proxy.control.set()
        self.proxy.data.set()

    def close(self) -> None:
        self.proxy.close()
        self.server.close()


FTP = [
    Case("nobody listens", ("control", Fault("refuse")), "ST201", "ST201"),
    Case("silent from the start", ("control", Fault("hang")), "ST201", "ST201", IMPATIENT),
    Case("silent after the greeting", ("control", Fault("hang", 60)), "ST201", "ST201", IMPATIENT),
    Case("control closed while logging in", ("control", Fault("close", 60)), "ST201", "ST201"),
    Case("control reset while logging in", ("control", Fault("reset", 60)), "ST201", "ST201"),
    Case("data ports refuse", ("data", Fault("refuse")), "ST201", "ST201"),
    Case("data ports silent", ("data", Fault("hang")), "ST201", "ST201", IMPATIENT),
    Case("data silent in the middle", ("data", Fault("hang", MIDDLE)), "ok", "ST201", IMPATIENT),
    Case("data whole, but the last word never comes", ("last word", None), "ok", "ST201", IMPATIENT),
    Case("data closed in the middle, always", ("data", Fault("close", MIDDLE)), "ok", "ST20[14]"),
    Case("data closed in the middle, once", ("data", Fault("close", MIDDLE, 1)), "ok", "ok"),
    Case("data reset in the middle, always", ("data", Fault("reset", MIDDLE)), "ok", "ST20[14]"),
    Case("data reset in the middle, once", ("data", Fault("reset", MIDDLE, 1)), "ok", "ok"),
    Case("data ends early and looks whole, always", ("data", Fault("truncate", MIDDLE)), "ok", "ST204"),
    Case("data ends early and looks whole, once", ("data", Fault("truncate", MIDDLE, 1)), "ok", "ok"),
    Case("data in drops", ("data", Fault("drip", MIDDLE)), "ok", "ok"),
    Case("says files are larger", ("lies", 3), "ST204", "ST(211|253)"),
    Case("says files are smaller", ("lies", -3), "ST240", "ST(210|253)"),
]


FTPS = [
    Case("silent from the start", ("control", Fault("hang")), "ST201", "ST201", IMPATIENT),
    Case("closed while TLS begins", ("control", Fault("close", 300)), "ST201", "ST201"),
    Case("data ports refuse", ("data", Fault("refuse")), "ST201", "ST201"),
    Case("data silent in the middle", ("data", Fault("hang", MIDDLE)), "ok", "ST201", IMPATIENT),
    Case("data ends early, without TLS's own end", ("data", Fault("truncate", MIDDLE)), "ok", "ST20[14]"),
    Case("data closed in the middle, once", ("data", Fault("close", MIDDLE, 1)), "ok", "ok"),
    Case("a bit is another, always", ("data", Fault("corrupt", MIDDLE)), "ok", "ST20[14]"),
    Case("a bit is another, once", ("data", Fault("corrupt", MIDDLE, 1)), "ok", "ok"),
]
CASES = [(None, case) for case in FTP] + [("explicit", case) for case in FTPS] + [("implicit", case) for case in FTPS[1:6:2]]


@pytest.fixture
def ftp_far(request: pytest.FixtureRequest, tmp_path: Path, certificate: Path) -> Iterator[FtpFar]:
    far = FtpFar(tmp_path / "far", request.param, certificate)
    yield far
    far.close()


# the standard library leaves a socket unclosed that is reset before TLS is put around it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("ftp_far", "case"), CASES, ids=[f"{tls or 'plain'}: {case.name}" for tls, case in CASES], indirect=["ftp_far"])
def test_an_ftp_server(case: Case, ftp_far: FtpFar, tmp_path: Path) -> None:
    job = Job(tmp_path / "job", ftp_far.feed(case.timeout), retries=int(case.timeout == PATIENT))
    ftp_far.breaks(*case.fault)
    examine(case, job, ftp_far.truth)
    ftp_far.is_well()
    job.declare(ftp_far.feed(PATIENT))
    job.recovers(ftp_far.truth)


# -- SFTP ---------------------------------------------------------------------------------------------------


class SftpFar:
    """Files on an SSH server behind a relay."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root, self.truth = root, far_files()
        for name, content in self.truth.items():
            (root / name).write_bytes(content)
            os.utime(root / name, (OLD, OLD))
        self.server = SftpServer(root)
        self.proxy = FaultProxy("127.0.0.1", self.server.port)

    def feed(self, timeout: str) -> dict[str, Any]:
        return {
            "kind": "sftp", "host": "127.0.0.1", "port": self.proxy.port, "user": SSH_USER, "password": "env:FAR_PASSWORD",
            "path": "/", "pattern": "*.csv", "timeout": timeout, "transfers": 2, "host_key": self.server.public_key,
        }  # fmt: skip

    def breaks(self, what: Any) -> None:
        if isinstance(what, int):
            self.server.lies = what
        else:
            self.proxy.script.set(replace(what))

    def is_well(self) -> None:
        self.server.lies = 0
        self.proxy.script.set()

    def close(self) -> None:
        self.proxy.close()
        self.server.close()


SFTP = [
    Case("nobody listens", Fault("refuse"), "ST201", "ST201"),
    Case("silent from the start", Fault("hang"), "ST201", "ST201", IMPATIENT),
    Case("silent while keys are exchanged", Fault("hang", 100), "ST201", "ST201", IMPATIENT),
    Case("closed before it greets", Fault("close"), "ST201", "ST201"),
    Case("greeted by another protocol", Fault("corrupt"), "ST201", "ST201", IMPATIENT),
    Case("silent in the middle", Fault("hang", MIDDLE), "ok", "ST201", IMPATIENT),
    Case("closed in the middle, always", Fault("close", MIDDLE), "ok", "ST201"),
    Case("closed in the middle, once", Fault("close", MIDDLE, 1), "ok", "ok"),
    Case("reset in the middle, once", Fault("reset", MIDDLE, 1), "ok", "ok"),
    Case("a bit is another, always", Fault("corrupt", MIDDLE), "ok", "ST201"),
    Case("a bit is another, once", Fault("corrupt", MIDDLE, 1), "ok", "ok"),
    Case("in drops", Fault("drip", MIDDLE), "ok", "ok"),
    Case("says files are larger", 3, "ST204", "ST(211|253)"),
    Case("says files are smaller", -3, "ST240", "ST(210|253)"),
]


@pytest.fixture
def sftp_far(tmp_path: Path) -> Iterator[SftpFar]:
    far = SftpFar(tmp_path / "far")
    yield far
    far.close()


@pytest.mark.parametrize("case", SFTP, ids=[case.name for case in SFTP])
def test_an_ssh_server(case: Case, sftp_far: SftpFar, tmp_path: Path) -> None:
    job = Job(tmp_path / "job", sftp_far.feed(case.timeout), retries=int(case.timeout == PATIENT))
    sftp_far.breaks(case.fault)
    examine(case, job, sftp_far.truth)
    sftp_far.is_well()
    job.declare(sftp_far.feed(PATIENT))
    job.recovers(sftp_far.truth)


# -- files that change while they are read ------------------------------------------------------------------


def _same_size(path: Path) -> bytes:
    return bytes(len(path.read_bytes()))


def _grown(path: Path) -> bytes:
    return path.read_bytes() + b"more" * 50_000


def _shrunk(path: Path) -> bytes:
    return b"begun anew"


@pytest.mark.parametrize("change", [_same_size, _grown, _shrunk], ids=["written over", "appended to", "begun anew"])
@pytest.mark.parametrize("kind", ["ftp", "sftp"])
def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(
    kind: str, change: Callable[[Path], bytes], tmp_path: Path, certificate: Path
) -> None:
    far = FtpFar(tmp_path / "far", None, certificate) if kind == "ftp" else SftpFar(tmp_path / "far")
    try:
        path, before = far.root / "b.csv", far.truth["b.csv"]

        def changed() -> None:
            after = change(path)
            with path.open("r+b") as file:  # in place, under the eyes of whoever reads it
                file.truncate(len(after))
                file.write(after)
            far.truth["b.csv"] = after

        job = Job(tmp_path / "job", far.feed(PATIENT))
        for command in (job.run, job.copy):
            path.write_bytes(before)
            os.utime(path, (OLD, OLD))
            script = far.proxy.data if isinstance(far, FtpFar) else far.proxy.script
            script.set(Fault("do", MIDDLE, 1, changed))
            assert said(command()) == "left"
            assert job.examine(far.truth) == {"a.csv", "c.csv"}
        job.recovers(far.truth)
    finally:
        far.close()
