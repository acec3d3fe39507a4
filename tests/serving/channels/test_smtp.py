"""Letters by e-mail, over a real mail server on loopback: what arrives, and what is said when nothing does."""

import os
import re
import smtplib
import socket
import threading
from contextlib import ExitStack
from email.utils import parsedate_to_datetime
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings

from crm.errors import WrongUse
from serving.channels.channel import Fate
from serving.channels.kinds import CHANNELS
from serving.channels.mail_address import mailable, sender_of
from serving.channels.smtp import SmtpChannel, SmtpSettings
from serving.digest.letter import Letter, Person
from serving.digest.tidy import tidy
from tests.serving.digest.letters import ADA, NASTY, letter, letters
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.smtp import server as faults
from tests.vendors.smtp.server import MailServer, running

PASSWORD = "s3cr3t-of-the-mail-server"
FROM = "Dealcast <dealcast@example.com>"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def listening(certificate):
    """A mail server of a kind, and the channel to it."""
    with ExitStack() as stack:

        def start(security="starttls", *, trusted=True, server=None, password=PASSWORD, timeout=5.0):
            server = server or MailServer(login=("dealcast", PASSWORD))
            stack.enter_context(running(server, security, None if security == "none" else certificate))
            if trusted:
                stack.enter_context(patch.dict(os.environ, SSL_CERT_FILE=str(certificate[0])))
            user = "dealcast" if server.login else None
            said = SmtpSettings("127.0.0.1", FROM, server.port, security, user)
            return server, SmtpChannel("mail", said, password, timeout)

        yield start


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_arrives_as_text_and_html(listening, security):
    server, channel = listening(security)
    assert channel.reaches(ADA) == "ada@example.com"
    outcome = channel.send(letter(), ADA)
    assert (outcome.fate, outcome.said) == (Fate.SENT, "250 2.0.0 taken")
    ((to, message),) = server.letters
    assert to == "ada@example.com"
    assert message["To"] == "ada@example.com"
    assert message["From"] == FROM
    assert message["Subject"] == "3 deals moved, 1 went quiet"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[^@\s]+@example\.com>", message["Message-ID"])
    assert parsedate_to_datetime(message["Date"]).tzinfo is not None
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text, page = (part.get_content() for part in message.iter_parts())
    assert "Deal 1 · Northwind · Proposal · € 48 k" in text
    assert "https://dealcast.example.com/deals/D00001" in text
    assert "€ 48 k" in page
    assert message.defects == []
    assert all(part.get_content_charset() == "utf-8" for part in message.iter_parts())


def test_a_server_that_needs_no_login_and_no_encryption_on_this_machine(listening):
    server, channel = listening("none", server=MailServer(), password=None)
    channel.check()
    assert channel.send(letter(), ADA).fate is Fate.SENT
    assert len(server.taken) == 1


@given(letters)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_becomes_a_header_or_another_letter(plain, given_letter):
    server, channel = plain
    server.taken.clear()
    outcome = channel.send(given_letter, ADA)
    assert outcome.fate is Fate.SENT, outcome.said
    ((to, message),) = server.letters
    assert to == "ada@example.com"
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
        "Content-Type",
    }  # fmt: skip
    # Where a header is folded the library may leave a blank too many.
    assert message["Subject"].split() == tidy(given_letter).subject.split()
    raw = server.taken[0][1]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


@pytest.fixture(scope="module")
def plain():
    with running(MailServer(), "none") as server:
        yield server, SmtpChannel("mail", SmtpSettings("127.0.0.1", FROM, server.port, "none"))


@pytest.mark.parametrize("length", [10, 65, 66, 69, 70, 75, 78, 79, 120, 980])
def test_a_subject_of_plain_words_arrives_as_it_is(plain, length):
    server, channel = plain
    server.taken.clear()
    subject = ("word " * 250)[: length - 1] + "."
    assert channel.send(Letter(subject, "lead", ()), ADA).fate is Fate.SENT
    assert server.letters[0][1]["Subject"] == subject
    assert f"\r\nSubject: {subject}\r\n".encode() in server.taken[0][1]


@pytest.mark.parametrize("name", NASTY)
def test_what_a_person_is_called_stands_in_no_header(plain, name):
    server, channel = plain
    server.taken.clear()
    assert channel.send(letter(), Person("u", name, "ada@example.com")).fate is Fate.SENT
    assert server.letters[0][1]["To"] == "ada@example.com"


def test_a_long_letter_is_cut_before_mail_programs_hide_its_end(plain):
    server, channel = plain
    server.taken.clear()
    assert channel.send(letter(2_000), ADA).fate is Fate.SENT
    page = server.letters[0][1].get_body(("html",)).get_content()
    assert 90_000 < len(page.encode()) <= 100_000
    assert re.search(r"and 1,\d\d\d more", page)
    too_long = Letter("s", "word " * 30_000, ())
    assert channel.send(too_long, ADA).fate is Fate.REFUSED


REFUSALS = {
    "the sender": ({"MAIL": "550 5.7.1 not you"}, "the sender dealcast@example.com: 550 5.7.1 not you", True),
    "the recipient": ({"ada@example.com": "550 5.1.1 nobody here"}, "ada@example.com: 550 5.1.1 nobody here", False),
    "grey-listed": ({"ada@example.com": "450 4.7.1 come again"}, "ada@example.com: 450 4.7.1 come again", False),
    "the content": ({"DATA": "554 5.7.1 spam"}, "554 5.7.1 spam", False),
    "the mailbox is full": ({"DATA": "452 4.2.2 full"}, "452 4.2.2 full", False),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_said_in_the_servers_words(listening, what):
    refuses, said, for_all = REFUSALS[what]
    server, channel = listening(server=MailServer(("dealcast", PASSWORD), refuses))
    outcome = channel.send(letter(), ADA)
    assert (outcome.fate, outcome.said, outcome.for_all) == (Fate.REFUSED, said, for_all)
    assert server.taken == []


def test_a_wrong_password_is_a_refusal_for_everybody_and_is_not_shown(listening):
    server, channel = listening(password="another-s3cr3t")
    outcome = channel.send(letter(), ADA)
    assert (outcome.fate, outcome.for_all) == (Fate.REFUSED, True)
    assert outcome.said.startswith("535 ")
    assert "s3cr3t" not in outcome.said + repr(channel) + str(channel)
    assert server.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_stops_before_anything_is_told(listening, security, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server, channel = listening(security, trusted=False)
    outcome = channel.send(letter(), ADA)
    assert (outcome.fate, outcome.for_all) == (Fate.REFUSED, True)
    assert outcome.said.startswith("the connection is not safe: ")
    assert (server.taken, server.logins, server.connections) == ([], 0, 0)


def test_a_server_without_starttls_gets_neither_password_nor_letter(certificate):
    with running(MailServer(), "none") as server:
        channel = SmtpChannel("mail", SmtpSettings("127.0.0.1", FROM, server.port, "starttls", "dealcast"), PASSWORD)
        outcome = channel.send(letter(), ADA)
    assert (outcome.fate, outcome.for_all) == (Fate.REFUSED, True)
    assert "STARTTLS" in outcome.said
    assert server.taken == []


@pytest.mark.parametrize("fault", [faults.LOST, faults.SILENT])
def test_an_answer_that_never_comes_after_the_letter_leaves_it_open(listening, fault):
    server, channel = listening(timeout=0.5)
    server.fault = fault
    outcome = channel.send(letter(), ADA)
    assert outcome.fate is Fate.UNCLEAR
    assert outcome.said.startswith("no answer: ")
    assert len(server.taken) == 1


def test_a_connection_that_closes_before_the_letter_is_a_refusal(listening):
    server, channel = listening()
    server.fault = faults.CLOSED
    assert channel.send(letter(), ADA).fate is Fate.REFUSED
    assert server.taken == []


def test_nobody_there_is_a_refusal_for_everybody():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = SmtpChannel("mail", SmtpSettings("127.0.0.1", FROM, port, "none"), None, 0.5).send(letter(), ADA)
    assert (outcome.fate, outcome.for_all) == (Fate.REFUSED, True)
    assert "refused" in outcome.said.lower()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever():
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        channel = SmtpChannel("mail", SmtpSettings("127.0.0.1", FROM, dumb.getsockname()[1], "none"), None, 0.3)
        found = []
        waiting = threading.Thread(target=lambda: found.append(channel.send(letter(), ADA)), daemon=True)
        waiting.start()
        waiting.join(5.0)
    assert [(one.fate, one.for_all) for one in found] == [(Fate.REFUSED, True)]


def test_who_logs_in_needs_a_password(listening):
    with pytest.raises(WrongUse, match="no password is given for dealcast") as refused:
        SmtpChannel("mail", SmtpSettings("127.0.0.1", FROM, user="dealcast")).check()
    assert "DEALCAST_SMTP_PASSWORD_FILE" in refused.value.expected


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"security": "ssl"}, "security"),
        ({"from_": "nobody"}, "from"),
        ({"from_": "a@example.com\r\nBcc: b@example.com"}, "from"),
        ({"from_": "A <a@example.com>, B <b@example.com>"}, "from"),
        ({"security": "none"}, "security"),
        ({"security": "none", "user": "dealcast", "unprotected": True}, "security"),
    ],
)
def test_what_does_not_fit_together_is_refused(more, where):
    with pytest.raises(WrongUse) as refused:
        SmtpSettings(**{"host": "mail.example.com", "from_": FROM, **more})
    assert refused.value.where == where
    assert refused.value.expected


def test_letters_in_the_clear_are_said_outright():
    assert SmtpSettings("mail.example.com", FROM, security="none", unprotected=True).host
    assert SmtpSettings("localhost", FROM, security="none").host


def test_ports_are_those_of_the_security():
    ports = {
        security: SmtpChannel("m", SmtpSettings("localhost", FROM, security=security)).address
        for security in ("starttls", "tls", "none")
    }
    assert ports == {"starttls": "smtp://localhost:587", "tls": "smtp://localhost:465", "none": "smtp://localhost:25"}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        (" ada.b+x@sub.example.com ", "ada.b+x@sub.example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@localhost", "ada@localhost"),
        ("ada", None),
        ("@example.com", None),
        ("ada@", None),
        ("a da@example.com", None),
        ("ada@example.com, bob@example.com", None),
        ("ada@example.com\r\nBcc: x@y.z", None),
        ("<ada@example.com>", None),
        ("ada@exa_mple.com", None),
        ("ädä@example.com", None),
        ("ada@" + "x" * 300, None),
        ("a" * 250 + "@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_which_addresses_can_be_written_to(text, address):
    assert mailable(text) == address


def test_a_sender_has_a_name_or_not():
    named, bare = sender_of("Vertrieb Süd <d@example.com>"), sender_of("d@example.com")
    assert (named.display_name, named.addr_spec) == ("Vertrieb Süd", "d@example.com")
    assert (bare.display_name, bare.addr_spec) == ("", "d@example.com")


def test_the_kind_opens_it_with_its_password():
    kind = CHANNELS.called("smtp", "here")
    opened = kind.open("mail", kind.settings("mail.example.com", FROM, user="u"), {"SMTP_PASSWORD": PASSWORD})
    opened.check()
    assert PASSWORD not in repr(opened)
    assert issubclass(smtplib.SMTPServerDisconnected, OSError), "what the messages of failures rely on"
