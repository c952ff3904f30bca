"""Servers that refuse, hang, break off, lie and change: ``sources test``, ``run`` and ``sources copy`` say the same clear words,
nothing half arrives, and once the server is well again the next calls bring exactly what is missing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.fault_proxy import Fault, FaultProxy, FtpProxy, Script
from tests.fixtures.faulty import BIG, Job, far_files, said, words
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.sftp import SSH_PASSWORD, SSH_USER, SftpServer

from startrail.adapters.clock import SystemClock

PATIENT, IMPATIENT = "20s", "0.6s"
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


# -- FTP and FTPS -------------------------------------------------------------------------------------------


class FtpFar:
    def __init__(self, root: Path, tls: str | None, certificate: Path) -> None:
        root.mkdir()
        self.truth = far_files()
        for name, content in self.truth.items():
            (root / name).write_bytes(content)
            os.utime(root / name, (1_700_000_000, 1_700_000_000))
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

    def close(self) -> None:
        self.proxy.close()
        self.server.close()


FTP = [
    Case("nobody listens", ("control", Fault("refuse")), "ST201", "ST201"),
    Case("silent from the start", ("control", Fault("hang")), "ST201", "ST201"),
    Case("silent after the greeting", ("control", Fault("hang", 60)), "ST201", "ST201"),
    Case("control closed while logging in", ("control", Fault("close", 60)), "ST201", "ST201"),
    Case("control reset while logging in", ("control", Fault("reset", 60)), "ST201", "ST201"),
    Case("data ports refuse", ("data", Fault("refuse")), "ST201", "ST201"),
    Case("data ports silent", ("data", Fault("hang")), "ST201", "ST201"),
    Case("data silent in the middle", ("data", Fault("hang", MIDDLE)), "ok", "ST201"),
    Case("data closed in the middle, always", ("data", Fault("close", MIDDLE)), "ok", "ST20[14]"),
    Case("data closed in the middle, once", ("data", Fault("close", MIDDLE, 1)), "ok", "ok"),
    Case("data reset in the middle, always", ("data", Fault("reset", MIDDLE)), "ok", "ST20[14]"),
    Case("data reset in the middle, once", ("data", Fault("reset", MIDDLE, 1)), "ok", "ok"),
    Case("data ends early and looks whole", ("data", Fault("truncate", MIDDLE)), "ok", "ST204"),
    Case("data ends early and looks whole, once", ("data", Fault("truncate", MIDDLE, 1)), "ok", "ok"),
    Case("data in drops", ("data", Fault("drip", MIDDLE)), "ok", "ok"),
    Case("says files are larger", ("lies", 1000), "ok", "ST204"),
    Case("says files are smaller", ("lies", -1000), "ok", "ST240"),
]


@pytest.fixture(params=[None, "explicit", "implicit"], ids=["ftp", "ftps", "ftps implicit"])
def ftp_far(request: pytest.FixtureRequest, tmp_path: Path, certificate: Path) -> Iterator[FtpFar]:
    far = FtpFar(tmp_path / "far", request.param, certificate)
    yield far
    far.close()


@pytest.mark.parametrize("case", FTP, ids=[case.name for case in FTP])
def test_an_ftp_server(case: Case, ftp_far: FtpFar, tmp_path: Path) -> None:
    where, what = case.fault
    job = Job(tmp_path / "job", ftp_far.feed(IMPATIENT if what != 1 and getattr(what, "kind", "") == "hang" else PATIENT))
    if where == "lies":
        ftp_far.server.lies = what
    else:
        scripts: dict[str, Script] = {"control": ftp_far.proxy.control, "data": ftp_far.proxy.data}
        scripts[where].set(replace(what))
    _examine(case, job, ftp_far.truth)
    ftp_far.server.lies = 0
    ftp_far.proxy.control.set()
    ftp_far.proxy.data.set()
    job.declare(ftp_far.feed(PATIENT))
    try:
        job.recovers(ftp_far.truth)
    except AssertionError as e:
        print('   RECOVERY', e)


def _examine(case: Case, job: Job, truth: dict[str, bytes]) -> None:
    import re
    import time

    for command, expected in ((job.test, case.test), (job.run, case.bring), (job.copy, case.bring)):
        t = time.time()
        done = command()
        print(f"{command.__name__:5} {said(done):6} {words(done)}   {time.time() - t:.1f}s")
        if not re.fullmatch(expected, said(done)):
            print("   EXPECTED", expected, done.text)
        job.examine(truth)
