"""The shop's servers: real FTP and HTTP, the files byte for byte."""

from __future__ import annotations

import ftplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from startrail import examples
from startrail.testing.upstream import PASSWORD, USER, Upstream


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    examples.write("shop", tmp_path, days=1)
    return tmp_path / "upstream"


@pytest.fixture
def upstream(folder: Path) -> Iterator[Upstream]:
    with Upstream(folder) as running:
        yield running


def get(upstream: Upstream, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, str | None]:
    request = urllib.request.Request(f"http://127.0.0.1:{upstream.http_port}{path}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read(), answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["ETag"]


def test_a_page_is_the_file_byte_for_byte(upstream: Upstream, folder: Path) -> None:
    for number in (1, 2, 3):
        expected = (folder / f"api/orders_2026-10-01_p{number}.json").read_bytes()
        assert get(upstream, f"/orders?page={number}")[:2] == (200, expected)
        assert get(upstream, f"/orders?page={number}&day=2026-10-01")[1] == expected
    assert upstream.requests[0] == "/orders?page=1"


def test_past_the_last_page_there_are_no_orders(upstream: Upstream) -> None:
    assert get(upstream, "/orders?page=4")[:2] == (200, b'{"page": 4, "pages": 3, "orders": []}\n')


def test_new_pages_come_after_the_old_ones(upstream: Upstream, folder: Path) -> None:
    before = [get(upstream, f"/orders?page={number}")[1] for number in (1, 2, 3)]
    examples.upstream_day(folder.parent, 2)
    assert [get(upstream, f"/orders?page={number}")[1] for number in (1, 2, 3)] == before
    assert get(upstream, "/orders?page=4")[1] == (folder / "api/orders_2026-10-02_p1.json").read_bytes()
    (folder / "api/orders_2026-10-02_p10.json").write_bytes(b"{}")
    assert get(upstream, "/orders?page=7")[1] == b"{}"


def test_a_page_that_has_not_changed_need_not_be_sent_again(upstream: Upstream) -> None:
    tag = get(upstream, "/orders?page=1")[2]
    assert tag is not None
    assert get(upstream, "/orders?page=1", {"If-None-Match": tag}) == (304, b"", tag)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 404), ("/orders?page=0", 400), ("/orders?page=x", 400), ("/orders?day=../..", 400), ("/orders?day=*", 200)],
)
def test_a_question_without_sense_is_refused(path: str, status: int, upstream: Upstream) -> None:
    assert get(upstream, path)[0] == status


def test_the_ftp_server_has_the_files_for_who_knows_the_password(upstream: Upstream, folder: Path) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect("127.0.0.1", upstream.ftp_port, timeout=120)
        ftp.login(USER, upstream.environment["SHOP_FTP_PASSWORD"])
        assert sorted(ftp.nlst()) == sorted(path.name for path in (folder / "ftp").iterdir())
        parts: list[bytes] = []
        ftp.retrbinary("RETR sales_2026-10-01_london-soho.csv", parts.append)
        assert b"".join(parts) == (folder / "ftp/sales_2026-10-01_london-soho.csv").read_bytes()


def test_the_ftp_server_refuses_others_and_writing(upstream: Upstream) -> None:
    with ftplib.FTP() as ftp:
        ftp.connect("127.0.0.1", upstream.ftp_port, timeout=120)
        with pytest.raises(ftplib.error_perm):
            ftp.login(USER, PASSWORD + "x")
    with ftplib.FTP() as ftp:
        ftp.connect("127.0.0.1", upstream.ftp_port, timeout=120)
        ftp.login(USER, PASSWORD)
        with pytest.raises(ftplib.error_perm):
            ftp.delete("sales_2026-10-01_london-soho.csv")


def test_two_upstreams_live_side_by_side_and_leave_nothing_behind(folder: Path) -> None:
    with Upstream(folder) as one, Upstream(folder) as two:
        assert len({one.ftp_port, two.ftp_port, one.http_port, two.http_port}) == 4
        assert get(one, "/orders?page=1") == get(two, "/orders?page=1")
        port = two.http_port
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/orders", timeout=120)
