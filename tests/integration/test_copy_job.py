"""``startrail sources copy``: the README's job as it stands, from a real FTP server to a real S3 API."""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.ftp import PASSWORD, USER, FtpServer

from startrail.adapters.store.s3.store import S3Store
from startrail.cli.app import root as command_line
from startrail.model import profile
from startrail.wiring import open_project

README = Path(__file__).resolve().parents[2] / "README.md"


class Job:
    """The five lines and the command of the README, in a project of its own."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        section = README.read_text(encoding="utf-8").split("## Files from FTP to S3", 1)[1].split("\n## ", 1)[0]
        declared, command = re.findall(r"```(?:yaml|text)\n(.*?)```", section, re.DOTALL)
        assert len(declared.splitlines()) == 5
        self.folder, self.arguments = folder, command.split()[1:]
        command_line.main(["init", str(folder)], standalone_mode=False)
        (folder / "sources/sales.yml").write_text(declared)
        self.host = re.search(r"host: (\S+)", declared)[1]  # type: ignore[index]
        self.bucket = S3Store(
            profile.S3Store(bucket="lake", prefix="sales", endpoint=endpoint), folder / "cache", access_key="a", secret_key="b"
        )

    def run(self) -> int:
        return command_line.main([*self.arguments, "-C", str(self.folder)], standalone_mode=False) or 0

    def there(self) -> dict[str, bytes]:
        return {found.key: self.bucket.get(found.key) for found in self.bucket.list("")}

    def facts(self) -> list[str]:
        with open_project(self.folder, "local", read_only=True) as opened:
            return [fact.payload for fact in opened.ports.ledger.facts(kind="source.copied", subject="sales")]


@pytest.fixture
def job(tmp_path: Path, ftp_server: FtpServer, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Job:
    for name, value in {
        "FTP_PASSWORD": PASSWORD, "AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/lake", method="PUT"), timeout=120):
        pass
    made = Job(tmp_path / "nightly", s3_endpoint)
    for key in made.there():
        made.bucket.delete(key)
    monkeypatch.setattr(socket, "create_connection", _named(made.host, ftp_server.port, socket.create_connection))
    assert USER in README.read_text(encoding="utf-8")
    return made


def _named(host: str, port: int, connect: Callable[..., Any]) -> Callable[..., Any]:
    """A name service in which the README's server is the one of this test."""
    return lambda address, *args, **more: connect(("127.0.0.1", port) if address == (host, 21) else address, *args, **more)


def test_the_job_of_the_readme_brings_every_file_once(
    job: Job, ftp_server: FtpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"small.csv": b"a,b\n1,2\n", "empty.csv": b"", "spaces ü.csv": b"x" * 100_000, "big.bin": bytes(range(256)) * 100_000}
    for name, content in files.items():
        (ftp_server.root / name).write_bytes(content)
    assert job.run() == 0
    assert job.there() == files
    assert "copied 4 files" in capsys.readouterr().err
    job.bucket.delete("small.csv")
    assert job.run() == 0
    assert "nothing new" in capsys.readouterr().err
    assert "small.csv" not in job.there()
    assert len(job.facts()) == 4


def test_a_line_that_breaks_leaves_no_half_and_the_next_call_goes_on(
    job: Job, ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch, s3_endpoint: str
) -> None:
    from startrail.adapters.clock import SystemClock
    from startrail.base.errors import SourceError

    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    (ftp_server.root / "a.csv").write_bytes(b"1\n")
    (ftp_server.root / "big.bin").write_bytes(b"0123456789" * 3_000_000)
    ftp_server.break_after = 3_000_000  # of every transfer: picking it up a few times does not reach the end
    with pytest.raises(SourceError):
        job.run()
    assert job.there() == {"a.csv": b"1\n"}
    with urllib.request.urlopen(f"{s3_endpoint}/lake?uploads", timeout=120) as answer:
        assert b"<UploadId>" not in answer.read()
    ftp_server.break_after = None
    assert job.run() == 0
    assert job.there() == {"a.csv": b"1\n", "big.bin": b"0123456789" * 3_000_000}
    assert len(job.facts()) == 2


def test_a_source_without_contract_just_lands(job: Job, ftp_server: FtpServer) -> None:
    (ftp_server.root / "a.csv").write_bytes(b"1\n")
    assert command_line.main(["run", "-C", str(job.folder)], standalone_mode=False) == 0
    with open_project(job.folder, "local", read_only=True) as opened:
        [delivery] = opened.ports.ledger.deliveries("sales")
        assert opened.ports.store.get(delivery.key) == b"1\n"
