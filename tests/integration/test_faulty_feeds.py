"""Servers that refuse, hang, break off, lie and change: ``sources test``, ``run`` and ``sources copy`` say the same clear words,
nothing half arrives, and once the server is well again the next calls bring exactly what is missing."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import asyncssh
import obstore
import pytest
from obstore.store import S3Store as Bucket
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.fault_proxy import Fault, FaultProxy, FtpProxy
from tests.fixtures.faulty import Job, far_files, said, words
from tests.fixtures.ftp import PASSWORD, USER, FtpServer, made_certificate
from tests.fixtures.http import Answer, HttpServer, Request
from tests.fixtures.sftp import SSH_USER, SftpServer

from startrail.adapters.clock import SystemClock

PATIENT, IMPATIENT = "60s", "0.6s"
OLD = 1_700_000_000
MIDDLE = 200_000
"""An offset within the big file's first tries, beyond every listing and greeting."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    for name in ("FAR_PASSWORD", "FAR_KEY"):
        monkeypatch.setenv(name, {"FAR_PASSWORD": PASSWORD, "FAR_KEY": "test"}[name])


class Far(Protocol):
    """What lies at the far side, and how a source declares it."""

    truth: dict[str, bytes]

    def feed(self, timeout: str) -> dict[str, Any]: ...


class Case(NamedTuple):
    """``test`` and ``bring`` are what ``sources test``, and what ``run`` and ``copy`` come to: ``ok``, ``left`` or a code.
    ``timeout``: of the calls that are to fail."""

    name: str
    fault: Any
    test: str
    bring: str
    timeout: str = PATIENT


def examine(case: Case, job: Job, far: Far, *, copies: bool = True) -> None:
    """While the server is as the case says."""
    told, truth = [], far.truth
    for command, expected in ((job.test, case.test), (job.run, case.bring), (job.copy, case.bring))[: 3 if copies else 2]:
        job.declare(far.feed(PATIENT if expected == "ok" else case.timeout))
        done = command()
        assert re.fullmatch(expected, said(done)), f"{command.__name__} said {said(done)}: {done.text}"
        job.examine(truth)
        # how a network fails is a matter of chance, and so is which of several files tells it
        told.append(re.sub(r"\d+|/files/\w", "N", words(done).partition(" answer: ")[0]))
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
    Case("data whole, but the last word never comes", ("last word", None), "ok", "ST2(01|11|53)", IMPATIENT),
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
@pytest.mark.parametrize(
    ("ftp_far", "case"), CASES, ids=[f"{tls or 'plain'}: {case.name}" for tls, case in CASES], indirect=["ftp_far"]
)
def test_an_ftp_server(case: Case, ftp_far: FtpFar, tmp_path: Path) -> None:
    job = Job(tmp_path / "job", ftp_far.feed(case.timeout), retries=int(case.timeout == PATIENT))
    ftp_far.breaks(*case.fault)
    examine(case, job, ftp_far)
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
    examine(case, job, sftp_far)
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


# -- S3 -----------------------------------------------------------------------------------------------------


class S3Far:
    """Objects in a bucket behind a server that breaks."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        self.truth, self.proxy, self._bucket = far_files(), FaultyHttp(endpoint), bucket
        keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint": endpoint}
        far = Bucket(bucket, region="us-east-1", client_options={"allow_http": True}, **keys)
        for name, content in self.truth.items():
            obstore.put(far, f"out/{name}", content)

    def feed(self, timeout: str) -> dict[str, Any]:
        return {
            "kind": "s3", "bucket": self._bucket, "prefix": "out", "pattern": "*.csv", "endpoint": self.proxy.address,
            "access_key": "env:FAR_KEY", "secret_key": "env:FAR_KEY", "timeout": timeout,
        }  # fmt: skip


LIST, OBJECT, ANY = r"GET /[^/]+\?", r"GET .*b\.csv", "."
ELSEWHERE = {"Location": "http://127.0.0.1:1/elsewhere"}


def _sizes(by: int) -> Callable[[bytes], bytes]:
    return lambda body: re.sub(rb"<Size>(\d+)</Size>", lambda found: b"<Size>%d</Size>" % (int(found[1]) + by), body)


S3 = [
    Case("nobody listens", Rule(ANY, "refuse"), "ST201", "ST201"),
    Case("never answers", Rule(ANY, "hang before"), "ST201", "ST201", IMPATIENT),
    Case("a storm of SlowDown", s3_error(ANY, 503, "SlowDown"), "ST201", "ST201"),
    Case("a gust of SlowDown", s3_error(ANY, 503, "SlowDown", times=3), "ok", "ok"),
    Case("a storm of 500 on one object", s3_error(OBJECT, 500, "InternalError"), "ok", "ST201"),
    Case("a gust of 500 on one object", s3_error(OBJECT, 500, "InternalError", times=2), "ok", "ok"),
    Case("listing is not allowed", s3_error(LIST, 403, "AccessDenied"), "ST202", "ST202"),
    Case("one object is not allowed", s3_error(OBJECT, 403, "AccessDenied"), "ok", "ST202"),
    Case("keys that are wrong", s3_error(ANY, 403, "InvalidAccessKeyId"), "ST202", "ST202"),
    Case("a clock that is wrong", s3_error(ANY, 403, "RequestTimeTooSkewed"), "ST202", "ST202"),
    Case("a token that is too old", s3_error(ANY, 400, "ExpiredToken"), "ST202", "ST202"),
    Case("no such bucket", s3_error(ANY, 404, "NoSuchBucket"), "ST203", "ST203"),
    Case("a listed object is gone", s3_error(OBJECT, 404, "NoSuchKey"), "ok", "left"),
    Case("a listed object is another", s3_error(OBJECT, 412, "PreconditionFailed"), "ok", "left"),
    Case("the bucket is in another region", s3_error(ANY, 301, "PermanentRedirect"), "ST206", "ST206"),
    Case("sends us elsewhere", Rule(OBJECT, "answer", status=307, headers=ELSEWHERE), "ok", "ST20[16]"),
    Case("ends early, always", Rule(OBJECT, "truncate", at=MIDDLE), "ok", "ST20[14]"),
    Case("ends early, once", Rule(OBJECT, "truncate", 1, at=MIDDLE), "ok", "ok"),
    Case("announces more than it sends", Rule(OBJECT, "announce", at=1000), "ok", "ST204"),
    Case("a bit is another, always", Rule(OBJECT, "corrupt", at=MIDDLE), "ok", "ST242"),
    Case("a bit is another, once", Rule(OBJECT, "corrupt", 1, at=MIDDLE), "ok", "ok|ST242"),
    Case("lists objects larger", Rule(LIST, "edit", edit=_sizes(3)), "ST204", "ST(211|253)"),
    Case("lists objects smaller", Rule(LIST, "edit", edit=_sizes(-3)), "ST240", "ST(210|253)"),
    Case("in drops", Rule(OBJECT, "drip"), "ok", "ok"),
]


@pytest.mark.parametrize("case", S3, ids=[case.name for case in S3])
def test_a_bucket(case: Case, s3_endpoint: str, s3_bucket: str, tmp_path: Path) -> None:
    far = S3Far(s3_endpoint, s3_bucket)
    try:
        job = Job(tmp_path / "job", far.feed(case.timeout), retries=0)
        far.proxy.set(replace(case.fault))
        examine(case, job, far)
        far.proxy.set()
        job.declare(far.feed(PATIENT))
        job.recovers(far.truth)
    finally:
        far.proxy.close()


# -- HTTP ---------------------------------------------------------------------------------------------------


class HttpFar:
    """Files at known addresses behind a server that breaks."""

    def __init__(self, server: HttpServer) -> None:
        self.truth, self.proxy = {f"files/{name}": content for name, content in far_files().items()}, FaultyHttp(server.address)
        for name, content in self.truth.items():
            server.routes[f"/{name}"] = self._route(content)

    def feed(self, timeout: str) -> dict[str, Any]:
        files = [name.partition("/")[2] for name in self.truth]
        url = f"{self.proxy.address}/files/"
        return {"kind": "http", "url": url, "format": "csv", "files": files, "timeout": timeout, "retries": 1}

    def _route(self, content: bytes) -> Callable[[Request], Answer]:
        tag = f'"{hashlib.md5(content).hexdigest()}"'

        def answer(request: Request) -> Answer:
            if request.headers.get("if-none-match") == tag:
                return Answer(status=304)
            return Answer(content, headers={"ETag": tag})

        return answer


def _status(status: int, what: str = ANY, times: int | None = None, **headers: str) -> Rule:
    return Rule(
        what, "answer", times, status=status, body=b"no", headers={name.replace("_", "-"): headers[name] for name in headers}
    )


HTTP = [
    Case("nobody listens", Rule(ANY, "refuse"), "ST201", "ST2(01|11)"),
    Case("never answers", Rule(ANY, "hang before"), "ST201", "ST2(01|11)", IMPATIENT),
    Case("401", _status(401), "ST202", "ST2(02|10)"),
    Case("403 for one file", _status(403, OBJECT), "ok", "ST202"),
    Case("404 for one file", _status(404, OBJECT), "ok", "ST203"),
    Case("429 with an hour to wait", _status(429, Retry_After="3600"), "ST241", "ST241"),
    Case("429 once", _status(429, times=1, Retry_After="0"), "ok", "ok"),
    Case("a storm of 500 on one file", _status(500, OBJECT), "ok", "ST201"),
    Case("a gust of 500", _status(500, times=1), "ok", "ok"),
    Case("redirects without end", _status(302, OBJECT, Location="b.csv"), "ok", "ST206"),
    Case("redirects to nowhere", _status(302, OBJECT, Location="file:///etc/passwd"), "ok", "ST206"),
    Case("ends early, always", Rule(OBJECT, "truncate", at=MIDDLE), "ok", "ST204"),
    Case("ends early, in the middle of a run", Rule(OBJECT, "truncate", 1, at=MIDDLE), "ok", "ok"),
    Case("announces more than it sends", Rule(OBJECT, "announce", at=1000), "ok", "ST204"),
    Case("in drops", Rule(OBJECT, "drip"), "ok", "ok"),
]


@pytest.mark.parametrize("case", HTTP, ids=[case.name for case in HTTP])
def test_an_http_server(case: Case, http_server: HttpServer, tmp_path: Path) -> None:
    far = HttpFar(http_server)
    try:
        job = Job(tmp_path / "job", far.feed(case.timeout), retries=int(case.timeout == PATIENT))
        far.proxy.set(replace(case.fault))
        examine(case, job, far, copies=False)
        far.proxy.set()
        job.declare(far.feed(PATIENT))
        job.recovers(far.truth, copies=False)
    finally:
        far.proxy.close()


# -- whom we trust ------------------------------------------------------------------------------------------

UNTRUSTED = {
    "expired": ({"days": -1}, "certificate has expired"),
    "made out to another host": ({"address": "127.0.0.9"}, "not valid for '127.0.0.1'|doesn't match '127.0.0.1'|mismatch"),
    "of an unknown authority": ({}, "self.signed certificate"),
}


@pytest.mark.parametrize("how", UNTRUSTED)
@pytest.mark.parametrize("kind", ["ftps", "https"])
def test_a_certificate_that_cannot_be_trusted_is_refused_in_the_same_words(
    kind: str, how: str, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, why = UNTRUSTED[how]
    shown = made_certificate(tmp_path / "shown.pem", **made)  # pyrefly: ignore
    trusted = certificate if how == "of an unknown authority" else shown
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    if kind == "ftps":
        far = FtpFar(tmp_path / "far", "explicit", shown)
        feed = {**far.feed(PATIENT), "ca_file": str(trusted)}
    else:
        far = HttpServer(shown)
        far.routes["/a.csv"] = lambda request: Answer(b"id\n1\n")
        feed = {"kind": "http", "url": f"{far.address}/", "format": "csv", "files": ["a.csv"], "retries": 0}
    try:
        job = Job(tmp_path / "job", feed, retries=1)
        told = [command() for command in (job.test, job.run, job.copy)[: 3 if kind == "ftps" else 2]]
        assert {said(each) for each in told} == {"ST206"}
        assert all(re.search(why, words(each), re.IGNORECASE) for each in told), told
        assert len({words(each) for each in told}) == 1
        assert not any("retried" in each.text for each in told)
        assert job.examine({}) == set()
    finally:
        far.close()


def test_another_host_key_than_the_known_one_is_refused_in_the_same_words(sftp_far: SftpFar, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    job = Job(tmp_path / "job", {**sftp_far.feed(PATIENT), "host_key": other})
    told = [command() for command in (job.test, job.run, job.copy)]
    assert {said(each) for each in told} == {"ST213"}
    assert len({words(each) for each in told}) == 1
    assert "SHA256:" in words(told[0])
    job.declare(sftp_far.feed(PATIENT))
    job.recovers(sftp_far.truth)
