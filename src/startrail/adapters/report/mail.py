"""Delivery by SMTP, to one recipient at a time: whom a server refuses keeps nothing from the others."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from functools import cache
from pathlib import Path

from startrail.adapters.report.errors import (
    DestinationClosed,
    DestinationFailed,
    DestinationFull,
    DestinationUnreachable,
    DestinationUntrusted,
    MailRefused,
    NoSuchDestination,
    RecipientRefused,
)
from startrail.adapters.report.mail_message import Letter, compose
from startrail.adapters.tls import trust
from startrail.base.errors import ReportError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model.address import address, is_loopback

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_NO_ROOM = (422, 452, 552)
_GO_ON, _LOGGED_IN = 334, (235, 503)


class Mail:
    """``password`` is the resolved secret; ``project`` is where a relative path starts."""

    def __init__(self, letter: Letter, to: str, project: Path, *, password: str | None = None) -> None:
        self._letter, self._to = letter, address(to).mailbox
        self._declared = letter.declared
        self._project, self._password = project, password
        self._port = self._declared.port or _PORTS[self._declared.security]
        self._timeout = parse_duration(self._declared.timeout).total_seconds()
        self._server = f"the mail server {printable(self._declared.host, 100)}:{self._port}"

    def deliver(self, name: str, write: Callable[[Path], object]) -> str:
        """As the port says, as far as mail can: once the server has said that it took the message, it is on its way."""
        with tempfile.TemporaryDirectory(prefix="startrail-report-") as folder:
            path = Path(folder) / "report"
            write(path)
            message = compose(self._letter, name, path)
        with self._errors():
            self._send(message)
        return f"mailto:{self._to}"

    def _send(self, message: EmailMessage) -> None:
        server = self._connected()
        try:
            self._log_in(server)
            sender = address(self._declared.sender).mailbox
            server.send_message(message, from_addr=sender, to_addrs=[self._to])
        except BaseException:
            server.close()  # a goodbye could hang as well
            raise
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()  # it has taken the message; how it says goodbye does not count
        server.close()

    def _connected(self) -> smtplib.SMTP:
        host, security = self._declared.host, self._declared.security
        if security == "none" and not is_loopback(host):
            raise DestinationUntrusted(
                f"nothing is sent to {self._server} without TLS", hint="write `security: starttls` or `tls`"
            )
        if security == "tls":
            return smtplib.SMTP_SSL(host, self._port, _own_name(), timeout=self._timeout, context=self._context())
        server = smtplib.SMTP(host, self._port, _own_name(), timeout=self._timeout)
        if security == "starttls":
            try:
                server.starttls(context=self._context())
            except BaseException:
                server.close()
                raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        """By PLAIN (RFC 4616) or LOGIN; the standard library's own way knows ASCII passwords only."""
        user, password = self._declared.user, self._password or ""
        if user is None:
            return
        server.ehlo_or_helo_if_needed()
        offered = str(server.esmtp_features.get("auth", "")).upper().split()
        if "PLAIN" in offered:
            code, told = server.docmd("AUTH", "PLAIN " + _encoded(f"\0{user}\0{password}"))
        elif "LOGIN" in offered:
            code, told = server.docmd("AUTH", "LOGIN")
            for word in (user, password):
                code, told = server.docmd(_encoded(word)) if code == _GO_ON else (code, told)
        else:
            raise smtplib.SMTPNotSupportedError("it offers neither AUTH PLAIN nor AUTH LOGIN")
        if code not in _LOGGED_IN:
            raise smtplib.SMTPAuthenticationError(code, told)

    def _context(self) -> ssl.SSLContext:
        file = self._declared.ca_file
        try:
            return trust(None if file is None else self._project / file)
        except OSError as error:
            shown = printable(file or "the machine's own")
            raise DestinationUntrusted(
                f"'{shown}' is no file of certificates that can be read", hint="`ca_file` must name a PEM file"
            ) from error

    # -- errors ----------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            code, told = next(iter(error.recipients.values()))
            raise self._answered(code, told, "recipient") from error
        except smtplib.SMTPSenderRefused as error:
            raise self._answered(error.smtp_code, error.smtp_error, "sender") from error
        except smtplib.SMTPAuthenticationError as error:
            raise self._answered(error.smtp_code, error.smtp_error, "login") from error
        except smtplib.SMTPServerDisconnected as error:
            raise self._unreachable("it broke off") from error
        except smtplib.SMTPResponseException as error:
            raise self._answered(error.smtp_code, error.smtp_error, "message") from error
        except smtplib.SMTPNotSupportedError as error:
            raise self._unsupported(str(error)) from error
        except ssl.SSLCertVerificationError as error:
            raise DestinationUntrusted(
                f"{self._server} did not prove who it is: {printable(error.verify_message or str(error), 160)}",
                affects="nothing was sent to it",
                hint="its certificate must be valid for `host`; name your own authority as `ca_file`",
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise self._unreachable(printable(str(error), 160) or type(error).__name__) from error

    def _answered(self, code: int, told: bytes | str, what: str) -> ReportError:
        """A server's answer that is not the one that was hoped for: 4xx passes by itself, 5xx does not (RFC 5321, 4.2.1)."""
        text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        answer = f"{code} {printable(' '.join(text.split()), 160)}".strip()
        for secret in self._secrets():
            answer = answer.replace(secret, "…")
        if code in _NO_ROOM:
            return DestinationFull(
                f"{self._server} has no room for {self._to}: {answer}", hint="see that it is emptied; run again"
            )
        if 400 <= code < 500 or code == -1:
            return DestinationFailed(f"{self._server} put it off: {answer}", hint="run again later")
        if what == "login" or code in (530, 534, 535, 538):
            return DestinationClosed(
                f"{self._server} refuses who logs in: {answer}", hint="check `user`, and the secret that `password` refers to"
            )
        if what == "recipient":
            return RecipientRefused(
                f"{self._server} does not take messages for {self._to}: {answer}",
                hint="correct the address under `recipients`",
            )
        return MailRefused(f"{self._server} refused the {what}: {answer}", hint="check `sender`, and the size of the report")

    def _secrets(self) -> list[str]:
        """What a server might repeat."""
        user, password = self._declared.user, self._password
        return [] if not password else [password, _encoded(password), _encoded(f"\0{user}\0{password}")]

    def _unsupported(self, told: str) -> ReportError:
        if "STARTTLS" in told:
            return DestinationUntrusted(
                f"{self._server} offers no STARTTLS, so nothing was sent to it", hint="`security: tls`, or another `port`"
            )
        return DestinationClosed(f"{self._server} cannot do what is needed: {printable(told, 160)}", hint="check `user`")

    def _unreachable(self, told: str) -> ReportError:
        if "Name or service not known" in told or "nodename nor servname" in told:
            return NoSuchDestination(f"there is no server {printable(self._declared.host, 100)}", hint="correct `host`")
        return DestinationUnreachable(
            f"{self._server} does not answer, or broke off: {told}", hint="check `host`, `port`, `security` and the network"
        )


@cache
def _own_name() -> str:
    """What this machine calls itself in greetings. It may take a name server's patience, so it is found once."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
