"""Files that an HTTP server links to: tested, peeked into and copied, without being loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fixtures.http import Answer, HttpServer, Request

from startrail.cli.app import root as command_line


@pytest.fixture
def files() -> dict[str, bytes]:
    return {"a b.csv": b"x\n1\n", "big.csv": b"y" * 3_000_000}


@pytest.fixture
def project(http_server: HttpServer, files: dict[str, bytes], tmp_path: Path) -> Path:
    def answer(request: Request) -> Answer:
        content = files[request.path.removeprefix("/out/").replace("%20", " ")]
        tag = f'"{hash(content)}"'
        return Answer(b"", 304) if request.headers.get("if-none-match") == tag else Answer(content, headers={"ETag": tag})

    http_server.routes["/out/"] = lambda _: Answer(b'<a href="a%20b.csv">a</a><a href="big.csv">big</a>')
    http_server.routes |= {"/out/a%20b.csv": answer, "/out/big.csv": answer}
    command_line.main(["init", str(tmp_path / "p")], standalone_mode=False)
    feed = f'feed: {{kind: http, url: "{http_server.address}/out/", links: "*.csv", format: csv}}\n'
    (tmp_path / "p/sources/far.yml").write_text(feed)
    return tmp_path / "p"


def _say(project: Path, *words: str) -> int:
    return command_line.main(["sources", *words, "-C", str(project)], standalone_mode=False) or 0


def test_they_are_copied_once_and_again_when_they_change(
    project: Path, files: dict[str, bytes], http_server: HttpServer, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    copy = ("copy", "far", "--to", str(lake))
    assert _say(project, *copy) == 0
    assert {path.name: path.read_bytes() for path in (lake / "out").iterdir()} == files
    del http_server.requests[:]
    assert _say(project, *copy) == 0
    assert [request.headers.get("if-none-match") is not None for request in http_server.requests] == [False, True, True]
    files["a b.csv"] = b"x\n2\n"
    assert _say(project, *copy) == 0
    assert (lake / "out/a b.csv").read_bytes() == b"x\n2\n"


def test_a_look_shows_what_would_land(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _say(project, "test", "far") == 0
    assert "out/a b.csv" in "".join(capsys.readouterr())
    assert _say(project, "peek", "far", "--file", "out/big.csv", "--lines", "1") == 0
    assert "yyyy" in "".join(capsys.readouterr())
