"""The channel "smtp": letters by e-mail, as plain text and HTML, over a mail server that takes them in."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid

from crm.errors import WrongUse
from crm.loopback import is_loopback
from serving.channels.channel import Fate, Outcome
from serving.channels.kinds import ChannelKind
from serving.channels.mail_address import mailable, sender_of
from serving.digest.cutting import Cut, fitted
from serving.digest.html import as_html
from serving.digest.letter import Letter, Person
from serving.digest.text import as_text
from serving.digest.tidy import tidied

PASSWORD = "SMTP_PASSWORD"
PORTS = {"starttls": 587, "tls": 465, "none": 25}
TIMEOUT = 30.0  # seconds, for each answer
LONGEST_LINE = 998  # RFC 5322, 2.1.1
LARGEST = 100_000  # bytes of HTML: beyond 102 KB mail programs begin to hide the rest


@dataclass(frozen=True)
class SmtpSettings:
    """What [channels.NAME] says of a mail server.

    :param host: the server that takes mail in.
    :param from_: `from`: the sender, with or without a name, such as "Dealcast <dealcast@example.com>".
    :param port: 587 with starttls, 465 with tls, 25 with none, where it is not said.
    :param security: starttls, tls (from the first byte on), or none.
    :param user: who logs in, with the password that the environment has; nobody where it is not given.
    :param unprotected: true says that `security = "none"` may go to another machine.
    """

    host: str
    from_: str
    port: int | None = None
    security: str = "starttls"
    user: str | None = None
    unprotected: bool = False

    def __post_init__(self) -> None:
        if self.security not in PORTS:
            raise WrongUse(f"'{self.security}' does not fit", where="security", expected=" or ".join(PORTS))
        if sender_of(self.from_) is None:
            raise WrongUse(f"{self.from_!r} is no sender", where="from", expected="Dealcast <dealcast@example.com>")
        if self.security == "none" and not is_loopback(self.host):
            self._in_the_clear()

    def _in_the_clear(self) -> None:
        if self.user is not None:
            raise WrongUse(
                "a password would go over the network in the clear",
                where="security",
                expected='security = "starttls" or "tls"',
            )
        if not self.unprotected:
            raise WrongUse(
                f"letters would go to {self.host} in the clear",
                where="security",
                expected='security = "starttls" or "tls"',
                remedy="where the network is safe, say so with: unprotected = true",
            )


class _Refusal(Exception):
    """Nothing was delivered. :param for_all: nor would be anything else."""

    def __init__(self, said: str, for_all: bool) -> None:
        super().__init__(said)
        self.said, self.for_all = said, for_all


@dataclass(frozen=True)
class SmtpChannel:
    """One mail server; a connection a letter."""

    name: str
    settings: SmtpSettings
    password: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT

    @property
    def address(self) -> str:
        """The server."""
        return f"smtp://{self.settings.host}:{self._port}"

    def check(self) -> None:
        """:raises WrongUse: where somebody is to log in without a password."""
        if self.settings.user is not None and self.password is None:
            raise WrongUse(
                f"no password is given for {self.settings.user}",
                where=f"[channels.{self.name}]",
                expected=f"DEALCAST_{PASSWORD} in the environment, or a file named by DEALCAST_{PASSWORD}_FILE",
            )

    def reaches(self, person: Person) -> str | None:
        """The person's e-mail address."""
        return mailable(person.email)

    def send(self, letter: Letter, person: Person) -> Outcome:
        """Hand the letter to the mail server; it is sent once the server has said that it has it."""
        to = self.reaches(person)
        message = None if to is None else fitted(letter, lambda cut: self._message(cut, to), _fits)
        if to is None or message is None:
            return Outcome(Fate.REFUSED, "no address" if to is None else "too long for an e-mail")
        sender = self._sender.addr_spec
        try:
            with self._connected() as server:
                _agreed(server.mail(sender), f"the sender {sender}", for_all=True)
                _agreed(server.rcpt(to), to, for_all=False)
                return _handed_over(server, _written(message))
        except _Refusal as refusal:
            return Outcome(Fate.REFUSED, refusal.said, refusal.for_all)

    @property
    def _port(self) -> int:
        return PORTS[self.settings.security] if self.settings.port is None else self.settings.port

    @property
    def _sender(self) -> Address:
        sender = sender_of(self.settings.from_)
        assert sender is not None  # the settings have seen to it
        return sender

    def _message(self, cut: Cut, to: str) -> EmailMessage:
        message = EmailMessage(SMTP)
        message["From"] = self._sender
        message["To"] = to  # without the name: what people may be called is no matter for a header
        message["Subject"] = cut.letter.subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = make_msgid("dealcast", self._sender.domain)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(as_text(cut), cte="quoted-printable")
        message.add_alternative(as_html(cut), subtype="html", cte="quoted-printable")
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A server that lets us in; whatever goes wrong before is a refusal for everybody."""
        safe = ssl.create_default_context()
        server: smtplib.SMTP | None = None
        try:
            if self.settings.security == "tls":
                server = smtplib.SMTP_SSL(self.settings.host, self._port, timeout=self.timeout, context=safe)
            else:
                server = smtplib.SMTP(self.settings.host, self._port, timeout=self.timeout)
            server.ehlo_or_helo_if_needed()
            if self.settings.security == "starttls":
                server.starttls(context=safe)
                server.ehlo()
            if self.settings.user is not None:
                server.login(self.settings.user, self.password or "")
            yield server
        except smtplib.SMTPResponseException as error:
            raise _Refusal(_words(error.smtp_code, error.smtp_error), for_all=True) from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise _Refusal(_why(error), for_all=True) from None
        finally:
            if server is not None:
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
                server.close()


def _written(message: EmailMessage) -> bytes:
    """As it goes over the line.

    Where plain words nearly fill a header's line the library leaves that line empty and begins with the next one; they
    go unfolded instead, which may be done up to 998 signs.
    """
    subject = str(message["Subject"])
    unfolded = subject.isascii() and len(subject) < LONGEST_LINE - len("Subject: ")
    return message.as_bytes(policy=SMTP.clone(max_line_length=LONGEST_LINE) if unfolded else SMTP)


def _fits(message: EmailMessage) -> bool:
    html = message.get_body(("html",))
    page = "" if html is None else str(html.get_content())
    return len(page.encode()) + page.count("\n") <= LARGEST  # on its way each line end has two signs


def _agreed(answer: tuple[int, bytes], about: str, for_all: bool) -> None:
    """:raises _Refusal: where the server does not agree to a sender or a recipient."""
    code, said = answer
    if code not in (250, 251):
        raise _Refusal(f"{about}: {_words(code, said)}", for_all)


def _handed_over(server: smtplib.SMTP, content: bytes) -> Outcome:
    """The letter's content; from its first byte on a lost answer leaves open whether it was taken."""
    try:
        code, said = server.data(content)
    except smtplib.SMTPDataError as error:
        return Outcome(Fate.REFUSED, _words(error.smtp_code, error.smtp_error))
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(Fate.UNCLEAR, _why(error))
    return Outcome(Fate.SENT if code == 250 else Fate.REFUSED, _words(code, said))


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {tidied(text)[:300]}".strip()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the connection is not safe: {tidied(error.verify_message)} (SSL_CERT_FILE names other authorities)"
    # The library's own words come first: its errors are the system's, too.
    said = str(error) if isinstance(error, smtplib.SMTPException) else getattr(error, "strerror", None)
    return f"no answer: {tidied(said or '') or type(error).__name__}"


def _open(name: str, settings: SmtpSettings, secrets: Mapping[str, str]) -> SmtpChannel:
    return SmtpChannel(name, settings, secrets.get(PASSWORD))


KIND = ChannelKind(SmtpSettings, _open, (PASSWORD,))
