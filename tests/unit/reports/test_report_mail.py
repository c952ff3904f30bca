"""A report as a message: whatever stands in titles and names, it is one message with the headers that we gave it."""

from __future__ import annotations

import email
import tempfile
from datetime import UTC, date, datetime
from email.policy import default
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.report.mail_message import Letter, compose
from startrail.adapters.report.mail_text import MOST_LINES, text_of
from startrail.base.span import Span
from startrail.model.destination import EmailDestination
from startrail.model.report import Report
from startrail.ports.report import Parcel

HEADERS = {
    "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
}  # fmt: skip
PARCEL = Parcel("k", date(2026, 10, 3), datetime(2026, 10, 3, 6, 0, tzinfo=UTC))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT, TEXT, st.sampled_from(["csv", "html", "xlsx"]))
def test_no_text_of_a_declaration_adds_a_header_or_a_part(title: str, description: str, file: str, format: str) -> None:
    to = EmailDestination("mail.shop.example", "Reports <reports@shop.example>", subject="{title} \u2013 {date}")
    declared = Report(
        "daily", format, Span(""), to, model="m.a", title=title, description=description, recipients=("a@b.example",)  # type: ignore[arg-type]
    )  # fmt: skip
    name = "".join(c for c in file if c.isprintable() and c not in "/\\") or "x"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        path.write_bytes(b"<p>1</p>")
        sent = compose(Letter(to, declared, PARCEL), f"{name}.{format}", path).as_bytes()
    got = email.message_from_bytes(sent, policy=default)
    assert set(got.keys()) <= HEADERS
    assert len(got.keys()) == len(set(got.keys()))
    assert got["To"] == "a@b.example"
    assert got["Message-ID"] == "<k@shop.example>"
    parts = list(got.iter_parts())
    assert len(parts) == 2
    assert not got.defects
    if format != "html":
        assert parts[1].get_filename()


def test_the_text_of_a_page_has_its_rows_in_order_and_none_of_its_style() -> None:
    page = (
        "<html><head><title>t</title><style>p{}</style></head><body><svg><text>chart</text></svg><h1>Sales &lt;b&gt;</h1>"
        '<dl><div><dt>Rows</dt><dd>2</dd></div></dl><table><tr><th>day</th><th>eur <small>EUR</small></th></tr>'
        '<tr><td>1</td><td><span aria-hidden="true">\u2013</span><span class="sr">no value</span></td></tr></table></body></html>'
    )  # fmt: skip
    assert text_of(page).splitlines() == ["Sales <b>", "Rows: 2", "day\teur EUR", "1\t\u2013"]


def test_a_long_page_is_cut_and_says_so() -> None:
    page = "<table>" + "".join(f"<tr><td>{n}</td></tr>" for n in range(1000)) + "</table>"
    lines = text_of(page).splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "… and 700 more lines, which the page has"
