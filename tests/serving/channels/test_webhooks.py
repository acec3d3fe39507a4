"""Letters to Slack and Teams, over loopback webhooks: what arrives, what is tried again, what is never shown."""

import json
import logging
import socket
import time
import traceback

import pytest

from crm.errors import WrongUse
from crm.patience import Patience
from serving.channels.channel import Fate
from serving.channels.kinds import CHANNELS
from serving.channels.posting import post
from serving.channels.webhooks import Webhooks, webhooks_from
from serving.digest.letter import Letter, Person
from tests.serving.digest.letters import ADA, BOB, letter
from tests.vendors import webhooks as faults
from tests.vendors.slack.workspace import Workspace, links, shown
from tests.vendors.teams import workflows
from tests.vendors.teams.workflows import Workflows

PRODUCTS = {"slack": Workspace, "teams": Workflows}
SECRET = {"slack": "SLACK_WEBHOOKS", "teams": "TEAMS_WEBHOOKS"}


class Waits(list):
    """A sleep that takes no time."""

    def __call__(self, seconds):
        self.append(seconds)


class Place:
    """One product on loopback, a webhook in it, and the channel to it."""

    def __init__(self, name, product):
        self.name, self.product, self.waits = name, product, Waits()
        self.hook = product.hook()

    def channel(self, text=None):
        kind = CHANNELS.called(self.name, "kind")
        opened = kind.open("chat", kind.settings(), {SECRET[self.name]: text or f"u2 = {self.hook}"})
        object.__setattr__(opened, "patience", Patience(budget=60.0, sleep=self.waits))
        return opened

    @property
    def posted(self):
        return next(iter((self.product.hooks if self.name == "slack" else self.product.flows).values()))

    @property
    def lines(self):
        return (shown if self.name == "slack" else workflows.shown)(self.posted[0])

    @property
    def links(self):
        return (links if self.name == "slack" else workflows.links)(self.posted[0])


@pytest.fixture(params=PRODUCTS)
def place(request):
    with faults.running(PRODUCTS[request.param]()) as product:
        yield Place(request.param, product)


def test_a_letter_arrives_at_ones_own_webhook(place):
    channel = place.channel()
    channel.check()
    assert channel.reaches(ADA) == "own webhook"
    assert channel.reaches(BOB) is None
    assert channel.send(letter(), ADA).fate is Fate.SENT
    assert len(place.posted) == 1
    assert "3 deals moved up, 1 went quiet, 2 close dates passed." in place.lines
    assert "Deal 2 · Northwind · Proposal · € 48 k" in place.lines
    assert "As of 2026-11-23 06:00." in place.lines
    assert "https://dealcast.example.com/deals/D00002" in place.links
    assert not any("Ada" in line for line in place.lines)


def test_at_a_shared_webhook_it_says_whose_it_is(place):
    channel = place.channel(f"default = {place.hook}")
    assert channel.reaches(ADA) == "shared webhook"
    assert channel.send(letter(), ADA).fate is Fate.SENT
    assert "For Ada Byron" in place.lines


@pytest.mark.parametrize("entries", [45, 300])
def test_a_long_letter_is_cut_and_taken(place, entries):
    assert place.channel().send(letter(entries, "No reply. " * 12), ADA).fate is Fate.SENT
    assert any(line.startswith("and ") and line.endswith(" more") for line in place.lines)
    assert getattr(place.product, "lost", []) == []


def test_what_is_too_long_even_so_is_refused_and_not_sent(place):
    assert place.channel().send(Letter("s", "word " * 9_000, ()), ADA).fate is Fate.REFUSED
    assert place.product.traffic.calls == []


def test_429_is_waited_for_as_long_as_it_asks(place):
    place.product.traffic.faults = [(429, "rate_limited", {"Retry-After": "7"})] * 2
    assert place.channel().send(letter(), ADA).fate is Fate.SENT
    assert len(place.posted) == 1
    assert all(7 <= seconds < 8 for seconds in place.waits)
    assert len(place.waits) == 2


def test_429_that_does_not_end_is_a_refusal_that_may_be_tried_again_later(place):
    place.product.traffic.faults = [(429, "rate_limited", {"Retry-After": "50"})] * 9
    outcome = place.channel().send(letter(), ADA)
    assert (outcome.fate, outcome.said.startswith("429")) == (Fate.REFUSED, True)
    assert place.posted == []
    assert sum(place.waits) <= 60


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 302])
def test_an_answer_that_says_no_is_a_refusal_and_is_not_tried_again(place, status):
    place.product.traffic.faults = [(status, "no_service", {"Location": place.hook} if status == 302 else {})]
    outcome = place.channel().send(letter(), ADA)
    assert (outcome.fate, outcome.for_all) == (Fate.REFUSED, False)
    assert outcome.said.startswith(str(status))
    assert len(place.product.traffic.calls) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503])
def test_an_error_of_the_server_leaves_it_open(place, status):
    place.product.traffic.faults = [(status, "rollup_error", {})]
    assert place.channel().send(letter(), ADA).fate is Fate.UNCLEAR
    assert len(place.product.traffic.calls) == 1, "it may have been delivered: not once more"


@pytest.mark.parametrize("fault", [faults.LOST_AFTER, faults.LOST_BEFORE, faults.SILENT])
def test_an_answer_that_never_comes_leaves_it_open(place, fault):
    place.product.traffic.faults = [fault]
    outcome = post(place.hook, {"type": "message", "text": "x"}, lambda answer: "", timeout=(1.0, 0.3))
    assert outcome.fate is Fate.UNCLEAR
    assert len(place.product.traffic.calls) == 1


def test_nobody_there_is_tried_again_and_then_a_refusal_for_everybody(place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = place.channel(f"u2 = http://127.0.0.1:{port}/services/T1/B1/s3cr3t")
    object.__setattr__(channel, "patience", Patience(budget=0.5, first=0.1))
    began = time.monotonic()
    outcome = channel.send(letter(), ADA)
    assert (outcome.fate, outcome.said, outcome.for_all) == (Fate.REFUSED, "there is no connection", True)
    assert time.monotonic() - began < 5


def test_a_secret_is_in_no_answer_no_log_and_no_traceback(place, caplog):
    # HubSpot's client quiets urllib3 in the whole process: then nothing would be told for another reason.
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    channel = place.channel()
    said = [repr(channel), str(channel.webhooks), channel.address, str(channel.reaches(ADA))]
    for fault in (
        (404, f"no such thing: {place.hook}", {}),
        (500, json.dumps({"error": {"code": "X", "message": f"see {place.hook}"}}), {}),
        faults.LOST_BEFORE,
        None,
    ):
        place.product.traffic.faults = [] if fault is None else [fault]
        said.append(channel.send(letter(), ADA).said)
    dead = place.channel(f"u2 = {place.hook.replace('127.0.0.1', '127.0.0.2')}")
    object.__setattr__(dead, "patience", Patience(budget=0.0))
    said.append(dead.send(letter(), ADA).said)
    try:
        webhooks_from(f"u2 = {place.hook}\nu2 = {place.hook}", "DEALCAST_X")
    except WrongUse:
        said.append(traceback.format_exc())
    told = "\n".join([*said, caplog.text])
    assert "s3cr3t" not in told
    assert "/services/" not in told
    assert "/workflows/" not in told
    logging.getLogger("urllib3.connectionpool").debug("others are heard again")
    assert "others are heard again" in caplog.text


def test_teams_says_what_a_flow_answers():
    with faults.running(Workflows()) as product:
        at = Place("teams", product)
        product.off.add(next(iter(product.flows)))
        assert "WorkflowTriggerIsNotEnabled: The trigger of" in at.channel().send(letter(), ADA).said
        changed = at.channel(f"u2 = {at.hook.replace('s3cr3tOfFlow1', 's3cr3tOfFlow2')}").send(letter(), ADA)
        assert changed.said.startswith("401 DirectApiAuthorizationRequired")
        product.flows.clear()
        assert at.channel().send(letter(), ADA).said.startswith("404 WorkflowNotFound")


def test_slack_says_its_one_word():
    with faults.running(Workspace()) as product:
        at = Place("slack", product)
        product.archived.update(product.hooks)
        assert at.channel().send(letter(), ADA).said == "410 channel_is_archived"
        product.hooks.clear()
        assert at.channel().send(letter(), ADA).said == "404 no_service"


def test_who_is_reached_by_which():
    text = """
        # Ada's own
        u2 = https://hooks.slack.com/services/T/B/1
        Bob@Example.com = https://hooks.slack.com/services/T/B/2

        default = https://hooks.slack.com/services/T/B/3?a=b
    """
    found = webhooks_from(text, "DEALCAST_SLACK_WEBHOOKS")
    assert [found.of(one)[-1] for one in (ADA, BOB, Person("u9", "Cy", None))] == ["1", "2", "b"]
    assert [found.place(one) for one in (ADA, BOB)] == ["own webhook"] * 2
    assert found.place(Person("u9", "Cy", None)) == "shared webhook"
    assert found.place(Person("default", "D", None)) == "shared webhook"
    as_json = json.dumps(dict(line.strip().split(" = ") for line in text.splitlines() if " = " in line))
    assert webhooks_from(as_json, "X") == found
    assert webhooks_from(None, "X") == Webhooks() == webhooks_from("\n# nothing\n", "X")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("u2", "line 1 is not readable"),
        ("https://hooks.slack.com/services/s3cr3t", "line 1 is not readable"),
        ("https://hooks.slack.com/?s3cr3t=1", "line 1 is not readable"),
        ("u2 = http://hooks.slack.com/services/s3cr3t", "what is given for 'u2' is no webhook"),
        ("u2 = ftp://s3cr3t", "what is given for 'u2' is no webhook"),
        ("u2 = https://h/s3cr3t\nu2 = https://h/s3cr3t", "'u2' is given twice"),
        ("A@b.c = https://h/s3cr3t\na@B.c = https://h/s3cr3t", "'a@B.c' is given twice"),
        ('{"u2": "https://h/s3cr3t"', "not readable as JSON"),
        ('{"u2": ["https://h/s3cr3t"]}', "not readable as JSON"),
        ('{"u2": "s3cr3t"}', "what is given for 'u2' is no webhook"),
    ],
)
def test_what_is_no_webhook_is_refused_without_being_shown(text, found):
    with pytest.raises(WrongUse) as refused:
        webhooks_from(text, "DEALCAST_SLACK_WEBHOOKS")
    assert refused.value.found == found
    assert refused.value.where == "DEALCAST_SLACK_WEBHOOKS"
    assert "s3cr3t" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("name", PRODUCTS)
def test_without_a_webhook_nothing_can_be_sent(name):
    kind = CHANNELS.called(name, "kind")
    channel = kind.open("chat", kind.settings(), {})
    assert channel.reaches(ADA) is None
    assert channel.send(letter(), ADA).fate is Fate.REFUSED
    with pytest.raises(WrongUse, match=r"\[channels\.chat\]: no webhook is given") as refused:
        channel.check()
    assert f"DEALCAST_{SECRET[name]}_FILE" in refused.value.expected
