"""A report as a message, put together by the standard library, which refuses a line break in a header."""

from __future__ import annotations

from email.headerregistry import Address as Header
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import msgspec

from startrail.adapters.report.errors import TooLargeToMail
from startrail.adapters.report.mail_text import text_of
from startrail.adapters.report.media import media_type
from startrail.base.text import printable
from startrail.base.units import parse_size, show_size
from startrail.model.address import Address, address
from startrail.model.destination import EmailDestination
from startrail.model.report import Report
from startrail.ports.report import Parcel

_LONGEST_SUBJECT = 200
_LARGEST_PAGE = 2_000_000
"""A page beyond this many bytes is a file with the message, not the message: programs cut or refuse such."""


class Letter(msgspec.Struct, frozen=True):
    """All that a message says beside the file."""

    declared: EmailDestination
    report: Report
    parcel: Parcel

    @property
    def id(self) -> str:
        """Always the same for the same rows of the same day, to whomever it goes, and however often."""
        return f"<{self.parcel.key}@{address(self.declared.sender).domain}>"

    @property
    def title(self) -> str:
        return self.report.title or self.report.name


def compose(letter: Letter, name: str, path: Path) -> EmailMessage:
    """The message with the file ``path``, called ``name``. Raises TooLargeToMail."""
    declared, report = letter.declared, letter.report
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _subject(letter)
    message["From"] = _header(address(declared.sender))
    message["To"] = tuple(_header(address(each)) for each in report.recipients)
    message["Date"] = letter.parcel.at
    message["Message-ID"] = letter.id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from a machine is wanted
    size = path.stat().st_size
    if size > parse_size(declared.largest):
        message.set_content(_instead(letter, name, size), cte="quoted-printable")
    elif report.format == "html" and (declared.show or "inline") == "inline" and size <= _LARGEST_PAGE:
        page = path.read_text(encoding="utf-8")
        message.set_content(text_of(page), cte="quoted-printable")
        message.add_alternative(page, subtype="html", cte="quoted-printable")
    else:
        message.set_content(_beside(letter, name, size), cte="quoted-printable")
        kind, _, parameters = media_type(name).partition(";")
        main, _, sub = kind.partition("/")
        params = {"charset": "utf-8"} if parameters else None
        message.add_attachment(path.read_bytes(), maintype=main, subtype=sub, filename=name, params=params)
    return message


def _subject(letter: Letter) -> str:
    pattern = letter.declared.subject or "{title}, {date}"
    text = pattern.replace("{title}", letter.title).replace("{date}", letter.parcel.day.isoformat())
    return printable(" ".join(text.split()), _LONGEST_SUBJECT)


def _header(found: Address) -> Header:
    return Header(found.name, addr_spec=found.mailbox)


def _beside(letter: Letter, name: str, size: int) -> str:
    lines = [*_opening(letter), f"The report is the file {name}, {show_size(size)}.", *_where(letter, name), *_closing(letter)]
    return "\n".join(lines)


def _instead(letter: Letter, name: str, size: int) -> str:
    if letter.declared.link is None:
        raise TooLargeToMail(
            f"'{printable(name)}' has {show_size(size)}, and more than {letter.declared.largest} is not sent by e-mail",
            at=letter.report.span,
            hint="add a `link` to the destination, or raise `largest`",
        )
    lines = [f"The report {name}, {show_size(size)}, is too large to be sent."]
    return "\n".join([*_opening(letter), *lines, *_where(letter, name), *_closing(letter)])


def _opening(letter: Letter) -> list[str]:
    said = [f"{letter.title}, {letter.parcel.day.isoformat()}", ""]
    return [*said, letter.report.description, ""] if letter.report.description else said


def _where(letter: Letter, name: str) -> list[str]:
    link = letter.declared.link
    if link is None:
        return []
    from urllib.parse import quote

    return ["It is at " + link.replace("{file}", quote(name)).replace("{date}", letter.parcel.day.isoformat())]


def _closing(letter: Letter) -> list[str]:
    owner = letter.report.owner
    return ["", "Made by Startrail." + (f" Questions: {owner}." if owner else ""), ""]
