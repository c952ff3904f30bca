"""Every console session of every page is run, and its output compared."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.docs.sessions import Differs, agrees, blocks, play, script
from tests.fixtures.mail import MAIL_PASSWORD, MailServer
from tests.fixtures.sftp import SSH_PASSWORD, SftpServer
from tests.fixtures.sqs import Queue

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
WITH_SESSION = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
PLAYED_ELSEWHERE = {
    "postgres-ledger.md": "postgres", "s3-store.md": "s3", "s3-events.md": "s3 and a queue", "team.md": "both",
    "deliver-reports.md": "s3, SSH and mail",
}  # fmt: skip
"""Pages whose sessions need a server, and which one."""


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def reader(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a reader who has installed Startrail and nothing else of ours."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        **more,
    }


@pytest.mark.parametrize("page", [page for page in WITH_SESSION if page.name not in PLAYED_ELSEWHERE], ids=_name)
def test_a_page_tells_what_happens(page: Path, tmp_path: Path) -> None:
    assert play(page.read_text(encoding="utf-8"), tmp_path, reader(tmp_path)) > 0


def test_the_page_on_a_postgres_ledger_tells_what_happens(tmp_path: Path, postgres_dsn: str) -> None:
    page = ROOT / "docs/how-to/postgres-ledger.md"
    assert play(page.read_text(encoding="utf-8"), tmp_path, reader(tmp_path, LEDGER_DSN=postgres_dsn)) > 0


def test_the_page_on_an_s3_store_tells_what_happens(tmp_path: Path, s3_endpoint: str, s3_bucket: str) -> None:
    page = ROOT / "docs/how-to/s3-store.md"
    assert play(page.read_text(encoding="utf-8"), tmp_path, reader(tmp_path, **_bucket(s3_endpoint, s3_bucket))) > 0


def test_the_page_on_a_teams_profile_tells_what_happens(
    tmp_path: Path, postgres_dsn: str, s3_endpoint: str, s3_bucket: str
) -> None:
    page, there = ROOT / "docs/how-to/team.md", _bucket(s3_endpoint, s3_bucket)
    assert play(page.read_text(encoding="utf-8"), tmp_path, reader(tmp_path, LEDGER_DSN=postgres_dsn, **there)) > 0


def test_the_page_on_destinations_tells_what_happens(
    tmp_path: Path,
    s3_endpoint: str,
    s3_bucket: str,
    sftp_server: SftpServer,
    starttls_mail_server: MailServer,
    mail_certificate: Path,
) -> None:
    there = _bucket(s3_endpoint, s3_bucket) | {
        "SSH_PORT": str(sftp_server.port), "SSH_PASSWORD": SSH_PASSWORD, "SSH_HOST_KEY": sftp_server.public_key,
        "MAIL_PORT": str(starttls_mail_server.port), "MAIL_PASSWORD": MAIL_PASSWORD, "MAIL_CA": str(mail_certificate),
    }  # fmt: skip
    page = ROOT / "docs/how-to/deliver-reports.md"
    assert play(page.read_text(encoding="utf-8"), tmp_path, reader(tmp_path, **there)) > 0
    assert sorted(to for to, _ in starttls_mail_server.taken) == ["ana@shop.example", "ben@shop.example"]
    assert starttls_mail_server.taken[0][1]["Subject"] == "Daily sales of 2026-10-03"


def test_the_page_on_events_tells_what_happens(tmp_path: Path, s3_endpoint: str, s3_bucket: str, s3_queue: Queue) -> None:
    there = _bucket(s3_endpoint, s3_bucket) | {"QUEUE": s3_queue.url}
    page = ROOT / "docs/how-to/s3-events.md"
    assert play(page.read_text(encoding="utf-8"), tmp_path, reader(tmp_path, **there)) > 0
    assert s3_queue.left() == 0


def _bucket(endpoint: str, bucket: str) -> dict[str, str]:
    return {"S3_ENDPOINT": endpoint, "S3_BUCKET": bucket, "S3_KEY": "reader", "S3_SECRET": "of this test"}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_session_hides_in_another_kind_of_block(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        commands = [line for line in block.body.splitlines() if line.startswith(("$ ", "startrail "))]
        assert not commands or block.language in ("console", "text"), f"line {block.line}: make it a console session"
        assert block.language, f"line {block.line}: say what the block is: console, yaml, sql, text, ..."


SESSION = "```csv title=in/a.csv\nid\n1\n```\n\n```console\n$ cat in/a.csv\nid\n1\n$ cd in\n$ ls\na.csv\n```\n"


def test_a_file_is_written_and_a_folder_remembered(tmp_path: Path) -> None:
    assert play(SESSION, tmp_path, reader(tmp_path)) == 3


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("id\n1\n", "id\n2\n"),
        ("a.csv\n", "b.csv\n"),
        ("a.csv\n", "a.csv\nb.csv\n"),
        ("id\n1\n", "1\n"),
        ("$ ls\n", "$ ls; exit 3\n"),
    ],
)
def test_a_session_that_goes_otherwise_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    before, found, after = SESSION.rpartition(right)
    assert found
    with pytest.raises(Differs, match="line "):
        play(before + wrong + after, tmp_path, reader(tmp_path))


def test_an_exit_code_that_the_page_shows_is_expected(tmp_path: Path) -> None:
    assert play("```console\n$ false\n$ echo $?\n1\n```\n", tmp_path, reader(tmp_path)) == 2


def test_a_wildcard_does_not_hide_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Differs, match="exits with 3"):
        play("```console\n$ echo oh; exit 3\n...\n```\n", tmp_path, reader(tmp_path))


def test_what_is_exported_stays(tmp_path: Path) -> None:
    assert play("```console\n$ export DAY='a b'\n$ echo $DAY\na b\n```\n", tmp_path, reader(tmp_path)) == 2


def test_a_command_goes_on_in_a_second_line() -> None:
    (command,) = script("```console\n$ echo \\\n> a\na\n```\n")
    assert command.text == "echo \\\na"  # type: ignore[union-attr]
    assert command.expected == ("a",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("expected", "output", "verdict"),
    [
        ("run ..., profile local", "run 20261003-ab, profile local", True),
        ("run ..., profile local", "run 20261003-ab, profile prod", False),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...\nd", "a\nd", True),
        ("a\n...\nd", "a\nb", False),
        ("a", "a\nb", False),
        ("a\nb", "a", False),
        ("...", "", True),
        ("4 rows (a.b)", "4 rows (aXb)", False),
        ("x ...", "x\ny", False),
    ],
)
def test_three_points_stand_for_what_changes_and_nothing_else(expected: str, output: str, verdict: bool) -> None:
    assert agrees(tuple(expected.splitlines()), tuple(output.splitlines())) is verdict
