"""`dealcast digest`: letters of scored deals looked at, sent over a real mail server, and never two a day."""

import json
import os
import subprocess
import sys
from unittest.mock import patch

import pytest

from tests.acceptance import worlds
from tests.acceptance.worlds import ROOT, copied, dealcast, started
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.smtp.server import MailServer, running

PASSWORD = "s3cr3t-of-the-mail-server"
EVERY_DAY = '["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def mail(certificate):
    trusted = {"SSL_CERT_FILE": str(certificate[0]), "DEALCAST_SMTP_PASSWORD": PASSWORD}
    with (
        running(MailServer(login=("dealcast", PASSWORD)), "starttls", certificate) as server,
        patch.dict(os.environ, trusted),
    ):
        yield server


@pytest.fixture
def home(scored, mail, tmp_path):
    """A home whose scores are taken for news however old they are, and whose letters may go out at any hour."""
    copy = copied(scored.home, tmp_path / "home")
    with (copy / "dealcast.toml").open("a") as file:
        file.write(f"""
[channels.mail]
kind = "smtp"
host = "127.0.0.1"
port = {mail.port}
from = "Dealcast <dealcast@example.com>"
user = "dealcast"

[digest]
channel = "mail"
days = {EVERY_DAY}
weekday = "monday"
quiet_from = "00:00"
quiet_until = "00:00"
max_age_hours = 10_000_000
pages = "https://dealcast.example.com"
""")
    return copy


def people(told):
    return {one["user_id"]: one for one in json.loads(told.out)["people"]}


def test_a_preview_shows_each_letter_and_what_is_sent_is_what_was_shown(home, mail, tmp_path):
    shown = dealcast("digest", "--home", home, "--kind", "morning")
    assert shown.code == 0, shown.err
    assert "Nothing was sent; --send sends." in " ".join(shown.out.split())
    assert mail.taken == []
    looked = people(dealcast("digest", "--home", home, "--kind", "morning", "--json"))
    told = dealcast("digest", "--home", home, "--kind", "morning", "--send", "--json")
    assert told.code == 0, told.err
    sent = {key: one for key, one in people(told).items() if one["became"] == "sent"}
    assert sent
    assert set(sent) == {key for key, one in looked.items() if one["letter"] is not None}
    assert sorted(one["place"] for one in sent.values()) == sorted(to for to, _ in mail.letters)
    for to, message in mail.letters:
        letter = next(one["letter"] for one in looked.values() if one["place"] == to)
        text = message.get_body(("plain",)).get_content()
        assert message["Subject"] == letter["subject"]
        assert all(entry["link"] in text for section in letter["sections"] for entry in section["entries"])
        assert "https://dealcast.example.com/deals" in text
        assert "As of" in text or "as of" in text
    again = dealcast("digest", "--home", home, "--kind", "morning", "--send", "--json")
    assert again.code == 0
    assert {one["became"] for key, one in people(again).items() if key in sent} == {"had one today"}
    assert len(mail.taken) == len(sent)
    assert PASSWORD not in shown.out + told.out + told.err + again.out


def test_a_manager_who_had_a_morning_gets_no_week_on_the_same_day(home, mail):
    dealcast("digest", "--home", home, "--kind", "morning", "--send")
    had = {to for to, _ in mail.letters}
    told = dealcast("digest", "--home", home, "--kind", "weekly", "--send", "--json")
    assert told.code == 0, told.err
    assert len({to for to, _ in mail.letters}) == len(mail.taken), "nobody has two"
    assert all(one["became"] != "sent" for one in people(told).values() if one["place"] in had)
    assert any(one["became"] == "sent" for one in people(told).values())


def test_letters_as_files_to_look_at(home, mail, tmp_path):
    told = dealcast("digest", "--home", home, "--on", worlds.LAST_DAY, "--out", tmp_path / "letters")
    assert told.code == 0, told.err
    files = sorted((tmp_path / "letters").iterdir())
    assert {path.suffix for path in files} == {".html", ".txt"}
    assert all(path.name.startswith(f"{worlds.LAST_DAY}-morning-") for path in files)
    assert mail.taken == []


def test_what_cannot_be_sent_says_so_by_its_exit_code(home, mail):
    config = home / "dealcast.toml"
    text = config.read_text()
    one = json.loads(dealcast("digest", "--home", home, "--kind", "weekly", "--json").out)["people"][0]
    send = ("digest", "--home", home, "--kind", "weekly", "--for", one["name"], "--send")
    mail.refuses[one["place"]] = "550 5.1.1 nobody here"
    refused = dealcast(*send)
    assert refused.code == 1
    assert "550 5.1.1 nobody here" in " ".join(refused.out.split())
    config.write_text(text.replace("max_age_hours = 10_000_000", ""))
    old = dealcast(*send)
    assert old.code == 3
    assert "the newest scores are as of 2026-08-14" in old.err
    config.write_text(text.replace('channel = "mail"', ""))
    assert dealcast(*send).code == 2
    config.write_text(text.replace('channel = "mail"', 'channel = "post"'))
    assert "there is no channel 'post'" in dealcast(*send).err
    config.write_text(text)
    assert dealcast(*send[:-1], "--on", worlds.LAST_DAY, "--send").code == 2
    assert dealcast(*send[:-1], "--out", "x", "--send").code == 2
    mail.refuses.clear()
    assert dealcast(*send).code == 0, "what was refused goes out with a later run"
    assert [to for to, _ in mail.letters] == [one["place"]]


@pytest.mark.slow
def test_two_that_run_at_once_send_each_letter_once(home, mail):
    command = [sys.executable, "-m", "pipelines.cli", "digest", "--home", str(home), "--kind", "morning", "--send"]
    told = [run.told() for run in [started(command, cwd=ROOT, PYTHONPATH=str(ROOT)) for _ in range(2)]]
    assert [one.code for one in told] == [0, 0], told
    recipients = [to for to, _ in mail.letters]
    assert recipients
    assert len(set(recipients)) == len(recipients)


@pytest.mark.slow
def test_a_sender_that_is_killed_has_sent_nobody_two(home, mail):
    """Kill -9 while the mail server takes its time; the next run goes on with the others."""
    mail.slow = 0.3
    command = [sys.executable, "-m", "pipelines.cli", "digest", "--home", str(home), "--kind", "morning", "--send"]
    run = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    while len(mail.taken) < 2:
        assert run.poll() is None
    run.kill()
    run.wait()
    mail.slow = 0.0
    assert dealcast("digest", "--home", home, "--kind", "morning", "--send").code == 0
    recipients = [to for to, _ in mail.letters]
    assert len(set(recipients)) == len(recipients)
    looked = people(dealcast("digest", "--home", home, "--kind", "morning", "--json"))
    due = {one["place"] for one in looked.values() if one["letter"] is not None}
    assert len(due - set(recipients)) <= 1, "at most the one that was on its way"
