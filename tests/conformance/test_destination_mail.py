"""The Destination port over a mail server: who gets what, what comes twice, and what is said when it does not work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.mail import MAIL_PASSWORD, MAIL_USER, MailServer

from startrail.adapters.report import open_destination
from startrail.base.errors import ReportError
from startrail.base.span import Span
from startrail.model.destination import EmailDestination, Place
from startrail.model.report import Report
from startrail.ports.report import Parcel

ANA, BEN = "ana@shop.example", "ben@shop.example"
DAY = date(2026, 10, 3)
PARCEL = Parcel("k" * 32, DAY, datetime(2026, 10, 3, 6, 0, tzinfo=UTC))
PAGE = (
    "<!DOCTYPE html>\n<html><head><style>b{}</style></head><body><h1>Sales &amp; more</h1>"
    "<table><tr><th>day</th><th>eur</th></tr>\n<tr><td>1</td><td>9.50</td></tr></table></body></html>\n"
)


def declared(server: MailServer, certificate: Path | None, **more: Any) -> EmailDestination:
    base: dict[str, Any] = {
        "port": server.port, "user": MAIL_USER, "password": "secret", "timeout": "60s",
        "ca_file": None if certificate is None else str(certificate),
    }  # fmt: skip
    return EmailDestination("127.0.0.1", "Reports <reports@shop.example>", **(base | more))


def report(to: EmailDestination, **more: Any) -> Report:
    base: dict[str, Any] = {"title": "Daily sales", "recipients": (ANA, f"Ben <{BEN}>"), "model": "m.a"}
    return Report("daily", more.pop("format", "csv"), Span("reports/daily.yml", 1, 1), to, **(base | more))


def deliver(
    said: Report, to: str = ANA, content: bytes = b"a,b\n1,2\n", name: str = "daily.csv", password: str = MAIL_PASSWORD
) -> str:
    destination = said.destination
    assert destination is not None
    opened = open_destination(Place(destination, to), said, PARCEL, Path("/nowhere"), lambda found: password if found else None)
    return opened.deliver(name, lambda path: path.write_bytes(content))


@pytest.fixture
def server(starttls_mail_server: MailServer) -> MailServer:
    return starttls_mail_server


@pytest.fixture
def to(server: MailServer, mail_certificate: Path) -> EmailDestination:
    return declared(server, mail_certificate)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_report_is_sent_over_tls_by_who_has_logged_in(
    security: str, starttls_mail_server: MailServer, tls_mail_server: MailServer, mail_certificate: Path
) -> None:
    server = starttls_mail_server if security == "starttls" else tls_mail_server
    where = deliver(report(declared(server, mail_certificate, security=security)))
    assert where == f"mailto:{ANA}"
    [(recipient, message)] = server.taken
    assert recipient == ANA
    assert message["From"] == "Reports <reports@shop.example>"
    assert message["To"] == f"{ANA}, Ben <{BEN}>"
    assert message["Subject"] == "Daily sales, 2026-10-03"
    assert message["Message-ID"] == f"<{'k' * 32}@shop.example>"
    assert message["Date"] == "Sat, 03 Oct 2026 06:00:00 +0000"
    [attached] = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("daily.csv", "text/csv")
    assert attached.get_payload(decode=True) == b"a,b\n1,2\n"


def test_a_server_on_this_machine_may_do_without_tls_and_log_in(plain_mail_server: MailServer) -> None:
    deliver(report(declared(plain_mail_server, None, security="none", user=None, password=None)))
    assert [recipient for recipient, _ in plain_mail_server.taken] == [ANA]


def test_a_page_is_the_message_itself_with_its_text_beside_it(server: MailServer, to: EmailDestination) -> None:
    deliver(report(to, format="html"), content=PAGE.encode(), name="daily.html")
    [(_, message)] = server.taken
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(page, EmailMessage)
    assert text.get_content().splitlines() == ["Sales & more", "day\teur", "1\t9.50"]
    assert page.get_content().splitlines() == PAGE.splitlines()


def test_a_page_can_be_a_file_with_the_message(server: MailServer, to: EmailDestination) -> None:
    deliver(report(msgspec.structs.replace(to, show="attach"), format="html"), content=PAGE.encode(), name="daily ü.html")
    [attached] = server.taken[0][1].iter_attachments()
    assert attached.get_filename() == "daily ü.html"
    assert attached.get_payload(decode=True) == PAGE.encode()


def test_what_is_too_large_is_linked_to(server: MailServer, to: EmailDestination) -> None:
    linked = msgspec.structs.replace(to, largest="1 kB", link="https://files.example/{date}/{file}")
    deliver(report(linked), content=b"x" * 1001, name="daily sales.csv")
    [(_, message)] = server.taken
    assert not list(message.iter_attachments())
    assert "https://files.example/2026-10-03/daily%20sales.csv" in message.get_content()


def test_what_is_too_large_and_has_no_link_is_an_error_and_not_a_message(server: MailServer, to: EmailDestination) -> None:
    fails("ST712", "more than 1 kB", report(msgspec.structs.replace(to, largest="1 kB")), content=b"x" * 1001)
    assert not server.taken


@pytest.mark.parametrize("title", ["Sales\r\nBcc: eve@evil.example", "Sales\nX: y", "a" * 5000, "Übersicht 😀 \u202e"])
def test_no_title_makes_a_second_header(server: MailServer, to: EmailDestination, title: str) -> None:
    deliver(report(to, title=title))
    [(recipient, message)] = server.taken
    assert recipient == ANA
    assert message["Bcc"] is None
    assert message["X"] is None
    assert len(message.get_all("To") or []) == 1
    assert message["Subject"].isprintable()


# -- what comes twice -------------------------------------------------------------------------------------


def test_sent_again_it_has_the_same_message_id(server: MailServer, to: EmailDestination) -> None:
    deliver(report(to))
    deliver(report(to))
    deliver(report(to), BEN)
    assert len({message["Message-ID"] for _, message in server.taken}) == 1
    assert len(server.to(ANA)) == 2


def test_a_server_that_breaks_off_after_it_took_the_message_may_get_it_again_and_that_is_said(
    server: MailServer, to: EmailDestination
) -> None:
    server.breaks_off = "taken"
    error = fails("ST708", "broke off", report(to))
    assert error.transient
    assert "under the same Message-ID" in (type(error).__doc__ or "")
    server.breaks_off = None
    deliver(report(to))
    first, second = server.to(ANA)
    assert first["Message-ID"] == second["Message-ID"]


# -- refused, put off, not there --------------------------------------------------------------------------


def fails(code: str, words: str, said: Report, recipient: str = ANA, **more: Any) -> ReportError:
    with pytest.raises(ReportError, match=words) as caught:
        deliver(said, recipient, **more)
    assert caught.value.code == code
    assert caught.value.hint
    assert MAIL_PASSWORD not in str(caught.value)
    return caught.value


def test_a_recipient_that_is_refused_keeps_nothing_from_the_others(server: MailServer, to: EmailDestination) -> None:
    server.refuses[BEN] = "550 5.1.1 no such user here"
    error = fails("ST710", "550 5.1.1 no such user here", report(to), BEN)
    assert not error.transient
    deliver(report(to))
    assert [recipient for recipient, _ in server.taken] == [ANA]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"refuses": {ANA: "450 4.2.0 greylisted, come back"}}, "ST705"),
        ({"refuses": {ANA: "452 4.2.2 mailbox full"}}, "ST704"),
        ({"answer": "451 4.3.0 try again later"}, "ST705"),
        ({"answer": "552 5.3.4 message too big"}, "ST704"),
        ({"answer": "554 5.7.1 looks like spam"}, "ST711"),
        ({"sender_answer": "553 5.7.1 not your address"}, "ST711"),
        ({"breaks_off": "connect"}, "ST708"),
        ({"breaks_off": "rcpt"}, "ST708"),
        ({"breaks_off": "data"}, "ST708"),
    ],
)
def test_what_a_server_answers_becomes_the_error_that_says_what_to_do(
    server: MailServer, to: EmailDestination, told: dict[str, Any], code: str
) -> None:
    for name, value in told.items():
        setattr(server, name, value)
    error = fails(code, "127.0.0.1", report(to))
    assert error.transient == (code in ("ST705", "ST708"))
    assert not server.taken


@pytest.mark.parametrize("stage", ["connect", "rcpt", "data"])
def test_a_server_that_hangs_is_given_up(server: MailServer, to: EmailDestination, stage: str) -> None:
    server.hangs = stage
    assert fails("ST708", "does not answer", report(msgspec.structs.replace(to, timeout="1s"))).transient


def test_a_wrong_password_is_refused_and_not_repeated(to: EmailDestination) -> None:
    fails("ST703", "refuses who logs in", report(to), password="wrong " + MAIL_PASSWORD[::-1])


def test_a_server_whose_certificate_nobody_trusts_gets_nothing(server: MailServer, to: EmailDestination) -> None:
    error = fails("ST709", "did not prove who it is", report(msgspec.structs.replace(to, ca_file=None)))
    assert error.affects == "nothing was sent to it"
    assert not server.taken


def test_a_server_that_offers_no_tls_gets_nothing(plain_mail_server: MailServer) -> None:
    fails("ST709", "offers no STARTTLS", report(declared(plain_mail_server, None)))
    assert not plain_mail_server.taken


def test_nothing_leaves_this_machine_without_tls(to: EmailDestination) -> None:
    fails("ST709", "without TLS", report(msgspec.structs.replace(to, security="none", host="mail.shop.example")))


def test_nobody_listens(to: EmailDestination) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fails("ST708", "does not answer", report(msgspec.structs.replace(to, port=unused.getsockname()[1])))


def test_a_writer_that_fails_sends_nothing(server: MailServer, to: EmailDestination) -> None:
    said = report(to)
    opened = open_destination(Place(to, ANA), said, PARCEL, Path("/nowhere"), lambda found: MAIL_PASSWORD if found else None)

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("lost the lease")

    with pytest.raises(RuntimeError):
        opened.deliver("daily.csv", write)
    assert not server.taken


@pytest.fixture
def babbling_port() -> Iterator[int]:
    """A server that speaks no SMTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def babble() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_a_server_of_another_kind_is_no_mail_server(babbling_port: int, to: EmailDestination) -> None:
    fails("ST705", "put it off|refused", report(msgspec.structs.replace(to, port=babbling_port)))
