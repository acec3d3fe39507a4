"""Digests looked at and sent, from a home's configuration to a mail server and webhooks on loopback."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from crm.errors import DataRefused, WrongUse
from pipelines.commands import digest as command
from pipelines.config import Home, load_config
from pipelines.digest import Asked, preview, send, write_out
from pipelines.reports.digest import preview_json, preview_text, sending_json, sending_text
from serving.channels.kinds import CHANNELS
from serving.digest.delivery import Became
from serving.digest.letter import Kind
from serving.digest.wishes import DigestWishes
from serving.store import Store
from serving.store_tables import CRM_USERS, DEALS, RUNS
from tests.serving.digest.letters import letter
from tests.vendors import webhooks
from tests.vendors.slack.workspace import Workspace, shown
from tests.vendors.smtp.server import MailServer, running

MONDAY, AS_OF = date(2026, 11, 23), datetime(2026, 11, 23, 1, 30)  # noqa: DTZ001 (as the store keeps it)
MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
USERS = (
    ("u1", "Grace Hopper", "grace@example.com", None, True),
    ("u2", "Ada Byron", "ada@example.com", "u1", True),
    ("u3", "Bob Boole", "bob@example.com", "u1", True),
    ("u4", "Cy Gone", "cy@example.com", "u1", False),
    ("u5", "Dee Mute", None, "u1", True),
)


class Writer:
    """Writes a short letter to everybody but Bob, of whom there is nothing to say."""

    def __init__(self, store, wishes, forms):
        self.links = wishes.links

    def letter_for(self, person, kind, day):
        if person.user_id == "u3":
            return None
        return replace(letter(1), subject=f"{kind} of {person.name}, {day}", link=self.links.deals)


@pytest.fixture
def home(tmp_path):
    """A home in which deals of Ada, Bob, Cy and Dee were scored at half past one in the night of a Monday."""
    store = Store.under(tmp_path)
    with store.transaction() as connection:
        run = {"run_id": "score-1", "kind": "score", "as_of": AS_OF, "started_at": AS_OF, "model_version": "1"}
        connection.execute(sa.insert(RUNS), run)
        deals = [
            {"run_id": "score-1", "opportunity_id": f"D{user[0]}", "owner_id": user[0]}
            | dict.fromkeys(("name", "account", "stage", "owner", "currency"), "")
            for user in USERS[1:]
        ]
        connection.execute(sa.insert(DEALS), deals)
        columns = ("user_id", "name", "email", "manager_id", "active")
        connection.execute(
            sa.insert(CRM_USERS), [{**dict(zip(columns, u, strict=True)), "as_of": AS_OF} for u in USERS]
        )
    return Home(tmp_path)


@pytest.fixture
def mail():
    with running(MailServer(), "none") as server:
        yield server


def configure(home, text):
    (home.path / "dealcast.toml").write_text(text, encoding="utf-8")


def by_mail(mail, more=""):
    return f"""
        [channels.mail]
        kind = "smtp"
        host = "127.0.0.1"
        port = {mail.port}
        security = "none"
        from = "Dealcast <dealcast@example.com>"
        [digest]
        channel = "mail"
        pages = "https://dealcast.example.com"
        {more}
    """


def at(moment):
    return lambda: moment


def sent(home, asked=Asked(), moment=MORNING):  # noqa: B008 (frozen)
    return send(asked, home, Writer, lambda _: None, at(moment))


def test_a_preview_says_who_would_get_what_and_sends_nothing(home, mail):
    configure(home, by_mail(mail))
    made = preview(Asked(), home, Writer, at(MORNING))
    told = [(one.person.user_id, str(one.kind), one.channel, one.place, one.why_not) for one in made.letters]
    assert told == [
        ("u2", "morning", "mail", "ada@example.com", ""),
        ("u3", "morning", "mail", "bob@example.com", "nothing to say"),
        ("u5", "morning", "mail", None, "no place by this channel"),
        ("u1", "weekly", "mail", "grace@example.com", ""),
    ]
    assert (mail.taken, made.notes, made.day) == ([], (), MONDAY)
    text = preview_text(made)
    flat = " ".join(text.split())
    assert flat.startswith("Letters of Monday, 2026-11-23 (scores as of 2026-11-23 01:30 UTC). Nothing was sent")
    assert "  Ada Byron                morning  mail: ada@example.com" in text.splitlines()
    assert "To Ada Byron: morning of Ada Byron, 2026-11-23" in text
    assert "Deal 1 · Northwind · Proposal · € 48 k" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    told = json.loads(preview_json(made))
    assert (told["day"], told["sent"], told["notes"]) == ("2026-11-23", False, [])
    assert told["people"][0]["letter"]["sections"][0]["entries"][0]["title"] == "Deal 1 · Northwind · Proposal · € 48 k"
    assert told["people"][1]["letter"] is None


def test_sent_once_a_day_and_each_is_told_what_became_of_it(home, mail):
    configure(home, by_mail(mail))
    made = sent(home)
    assert [(one.person.user_id, str(one.became)) for one in made.delivered] == [
        ("u2", "sent"), ("u3", "nothing to say"), ("u5", "not reached"), ("u1", "sent")
    ]  # fmt: skip
    assert made.whole
    assert [(to, message["Subject"]) for to, message in mail.letters] == [
        ("ada@example.com", "morning of Ada Byron, 2026-11-23"),
        ("grace@example.com", "weekly of Grace Hopper, 2026-11-23"),
    ]
    text = sending_text(made)
    assert "2 sent, 1 nothing to say, 1 not reached" in " ".join(text.split())
    assert "✓ Ada Byron                morning  sent, mail: ada@example.com" in text
    assert [one["became"] for one in json.loads(sending_json(made))["people"]] == [one.became for one in made.delivered]
    again = sent(home, moment=MORNING + timedelta(hours=1))
    assert {one.became for one in again.delivered} == {Became.HAD, Became.NOTHING, Became.UNREACHED}
    assert sent(home, Asked(kind=Kind.MORNING), MORNING + timedelta(hours=2)).whole
    assert len(mail.taken) == 2
    looked = preview(Asked(), home, Writer, at(MORNING))
    assert looked.letters[0].why_not == "had one on this day (morning, sent)"


def test_a_letter_that_is_refused_is_a_failure_and_goes_out_an_hour_later(home, mail):
    configure(home, by_mail(mail, 'only = ["ada@example.com", "u1"]'))
    mail.refuses["ada@example.com"] = "450 4.7.1 come again"
    first = sent(home)
    assert not first.whole
    assert "✗ Ada Byron                morning  refused (ada@example.com: 450 4.7.1" in sending_text(first)
    mail.refuses.clear()
    assert [str(one.became) for one in sent(home, moment=MORNING + timedelta(hours=1)).delivered] == [
        "sent", "had one today"
    ]  # fmt: skip


def test_in_quiet_hours_nobody_gets_anything_and_it_is_no_failure(home, mail):
    configure(home, by_mail(mail))
    early = sent(home, moment=MORNING.replace(hour=5))
    assert {one.became for one in early.delivered} == {Became.QUIET, Became.UNREACHED}
    assert early.whole
    assert "Those wait for a later run: nobody gets anything from 19:00 to 07:00." in sending_text(early)
    assert mail.taken == []


def test_the_day_is_the_local_one(home, mail):
    zone = '[data]\ntime_zone = "Pacific/Auckland"\n'
    configure(home, zone + by_mail(mail))
    assert sent(home, moment=datetime(2026, 11, 22, 18, 30, tzinfo=UTC)).day == MONDAY


@pytest.mark.parametrize(("hours", "refused"), [(35, False), (37, True)])
def test_old_scores_are_no_news(home, mail, hours, refused):
    configure(home, by_mail(mail, 'quiet_until = "00:00"\nquiet_from = "00:00"'))
    moment = AS_OF.replace(tzinfo=UTC) + timedelta(hours=hours)
    if not refused:
        assert sent(home, moment=moment).delivered
        return
    with pytest.raises(DataRefused, match="the newest scores are as of 2026-11-23 01:30 UTC, 37 hours ago") as error:
        sent(home, moment=moment)
    assert error.value.exit_code == 3
    assert mail.taken == []
    assert "37 hours ago" in preview(Asked(), home, Writer, at(moment)).notes[0]
    configure(home, by_mail(mail, "max_age_hours = 48"))
    assert sent(home, moment=moment).day == date(2026, 11, 24)


def test_one_person_by_id_name_or_address(home, mail):
    configure(home, by_mail(mail))
    for wanted in ("u2", "ada byron", "ADA@example.com"):
        made = preview(Asked(whom=wanted), home, Writer, at(MORNING))
        assert [one.person.user_id for one in made.letters] == ["u2"]
    with pytest.raises(WrongUse, match="nobody who gets letters is called 'Ada Lovelace'") as refused:
        preview(Asked(whom="Ada Lovelace"), home, Writer, at(MORNING))
    assert "u2 (Ada Byron)" in refused.value.expected
    assert preview(Asked(whom="u2", kind=Kind.WEEKLY), home, Writer, at(MORNING)).letters == ()
    assert "Nobody is due a letter." in preview_text(preview(Asked(on="2026-11-28"), home, Writer, at(MORNING)))


def test_another_day_is_looked_at_and_never_sent(home, mail):
    configure(home, by_mail(mail))
    assert {one.kind for one in preview(Asked(on="2026-11-24"), home, Writer, at(MORNING)).letters} == {Kind.MORNING}
    with pytest.raises(WrongUse, match="letters are sent on their own day"):
        sent(home, Asked(on="2026-11-24"))
    with pytest.raises(WrongUse, match="'tomorrow' is not a day"):
        preview(Asked(on="tomorrow"), home, Writer, at(MORNING))
    with pytest.raises(WrongUse, match="nothing has been scored here yet"):
        preview(Asked(on="2026-11-20"), home, Writer, at(MORNING))


def test_without_a_channel_letters_can_be_looked_at_and_not_sent(home, tmp_path):
    made = preview(Asked(), home, Writer, at(MORNING))
    assert len(made.letters) == 4
    assert "No channel is named yet" in made.notes[0]
    with pytest.raises(WrongUse, match="no channel is named"):
        sent(home)
    with pytest.raises(WrongUse, match="nothing has been scored here yet"):
        preview(Asked(), Home(tmp_path / "nowhere"), Writer, at(MORNING))


def test_a_channel_that_lacks_its_secret_is_said_before_anything_is_claimed(home, mail):
    configure(home, by_mail(mail).replace('security = "none"', 'security = "none"\nuser = "dealcast"'))
    assert "no password is given for dealcast" in preview(Asked(), home, Writer, at(MORNING)).notes[0]
    with pytest.raises(WrongUse, match="no password is given for dealcast"):
        sent(home)
    assert Store.under(home.path).messages(MONDAY) == {}


def test_each_kind_by_its_own_channel_with_secrets_from_files(home, mail, monkeypatch, tmp_path):
    with webhooks.running(Workspace()) as slack:
        (tmp_path / "hooks").write_text(f"grace@example.com = {slack.hook()}\n")
        monkeypatch.setenv("DEALCAST_SLACK_WEBHOOKS_FILE", str(tmp_path / "hooks"))
        text = by_mail(mail).replace('channel = "mail"', 'morning = "mail"\nweekly = "chat"')
        configure(home, f'[channels.chat]\nkind = "slack"\n{text}')
        assert sent(home).whole
        (posted,) = next(iter(slack.hooks.values()))
    assert shown(posted)[0] == "weekly of Grace Hopper, 2026-11-23"
    assert [to for to, _ in mail.letters] == ["ada@example.com"]


def test_addresses_of_the_configuration_come_first_and_slips_are_said(home, mail):
    more = 'without = ["nobody@x.y"]\n[digest.addresses]\nu5 = "dee@example.com"\nu2 = "ada@private.example"'
    configure(home, by_mail(mail, more))
    made = sent(home)
    assert {to for to, _ in mail.letters} == {"dee@example.com", "ada@private.example", "grace@example.com"}
    assert made.notes == ("[digest] names whom the CRM does not know: nobody@x.y.",)
    assert "nobody@x.y" in sending_text(made)


def test_letters_as_files(home, mail, tmp_path):
    configure(home, by_mail(mail))
    made = preview(Asked(), home, Writer, at(MORNING))
    files = write_out(made, tmp_path / "a" / "b")
    assert sorted(path.name for path in files) == [
        "2026-11-23-morning-u2.html", "2026-11-23-morning-u2.txt", "2026-11-23-morning-u5.html",
        "2026-11-23-morning-u5.txt", "2026-11-23-weekly-u1.html", "2026-11-23-weekly-u1.txt",
    ]  # fmt: skip
    assert (tmp_path / "a" / "b" / "2026-11-23-morning-u2.txt").read_text().startswith("morning of Ada Byron")
    assert "<title>morning of Ada Byron" in (tmp_path / "a" / "b" / "2026-11-23-morning-u2.html").read_text()
    text = preview_text(made, files)
    assert "6 files in" in text
    assert "Deal 1" not in text


def test_what_the_configuration_may_say(home):
    configure(
        home,
        """
        [channels.mail]
        kind = "smtp"
        host = "mail.example.com"
        from = "Dealcast <dealcast@example.com>"
        user = "dealcast"
        [digest]
        channel = "mail"
        quiet_from = "18:00"
        quiet_until = "08:00"
        days = ["monday", "wednesday"]
        weekday = "friday"
        pages = "https://dealcast.example.com"
        record = "https://example.my.salesforce.com/lightning/r/Opportunity/{id}/view"
        only = ["u1"]
        without = []
        max_age_hours = 24
        [digest.addresses]
        u1 = "x@example.com"
        """,
    )
    config = load_config(home)
    assert config.channels["mail"]["user"] == "dealcast"
    assert config.digest == DigestWishes(
        "mail", None, None, "18:00", "08:00", ("monday", "wednesday"), "friday", "https://dealcast.example.com",
        "https://example.my.salesforce.com/lightning/r/Opportunity/{id}/view", ("u1",), (), 24, {"u1": "x@example.com"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("[digest]\nchanel = 'mail'", "[digest]", "there is no 'chanel'"),
        ("[digest]\nchannel = 5", "[digest] channel", "5 does not fit"),
        ("[digest]\ndays = 'monday'", "[digest] days", "'monday' does not fit"),
        ("[digest]\ndays = ['monday', 'monday']", "[digest] days", "does not fit"),
        ("[digest]\nonly = [5]", "[digest] only", "[5] does not fit"),
        ("[digest]\nquiet_from = 19:00:00", "[digest] quiet_from", "does not fit"),
        ("[digest]\nmax_age_hours = 0", "[digest] max_age_hours", "0 does not fit"),
        ("[digest]\naddresses = 'x'", "[digest] addresses", "'x' does not fit"),
        ("[digest.addresses]\nu1 = 5", "[digest] addresses", "does not fit"),
        ("[digest]\nchannel = 'mail'", "[digest]", "there is no channel 'mail'"),
        ("[channels.mail]\nhost = 'x'", "[channels.mail]", "its kind is not given"),
        ("[channels.mail]\nkind = 'pigeon'\n[digest]\nchannel = 'mail'", "[channels.mail] kind", "no kind of channel"),
        ("[channels.mail]\nkind = 'smtp'\n[digest]\nchannel = 'mail'", "[channels.mail]", "'host' is not given"),
        (
            "[channels.mail]\nkind = 'smtp'\nhost = 'x'\n[digest]\nchannel = 'mail'",
            "[channels.mail]",
            "'from' is not given",
        ),
        (
            "[channels.mail]\nkind = 'slack'\nhost = 'x'\n[digest]\nchannel = 'mail'",
            "[channels.mail]",
            "there is no 'host'",
        ),
    ],
)
def test_what_is_off_is_refused_where_it_stands(home, text, where, found):
    configure(home, text)
    with pytest.raises(WrongUse) as refused:
        preview(Asked(), home, Writer, at(MORNING))
    assert (refused.value.where, found in refused.value.found) == (where, True), str(refused.value)
    assert refused.value.expected or refused.value.remedy


def test_the_password_reaches_the_channel_and_nothing_else(home, monkeypatch):
    monkeypatch.setenv("DEALCAST_SMTP_PASSWORD", "s3cr3t")
    configure(
        home,
        "[channels.mail]\nkind = 'smtp'\nhost = '127.0.0.1'\nport = 9\nfrom = 'd@example.com'\nuser = 'dealcast'\n"
        "[digest]\nchannel = 'mail'",
    )
    made = sent(home)
    assert {one.became for one in made.delivered} == {Became.REFUSED, Became.UNREACHED}
    assert "s3cr3t" not in sending_text(made) + sending_json(made)


DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "digests.md").read_text(encoding="utf-8")


def test_the_page_names_every_setting_and_secret():
    keys = [field.name for field in fields(DigestWishes)]
    for name in CHANNELS.names():
        kind = CHANNELS.called(name, "kind")
        keys += [field.name.removesuffix("_") for field in fields(kind.settings)]
        assert f": `{name}`" in PAGE
        assert all(f"`DEALCAST_{secret}`" in PAGE for secret in kind.secrets)
    assert [key for key in keys if f"`{key}`" not in PAGE and f"[digest.{key}]" not in PAGE] == []


@pytest.mark.parametrize("name", ["dealcast-digest.cron", "dealcast-digest.service"])
def test_what_is_to_run_unattended_runs(name):
    text = (DOCS / "digests" / name).read_text(encoding="utf-8")
    given = re.findall(r"bin/dealcast digest ([^>\n]*?)(?: 2>&1.*)?$", text, re.MULTILINE)
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    options = parser.parse_args(shlex.split(given[0]))
    assert len(given) == 1
    assert options.send
    assert f"digests/{name}" in PAGE
