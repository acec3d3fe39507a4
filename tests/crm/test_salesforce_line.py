"""Getting into Salesforce, and what is done when it does not answer as it should."""

import traceback

import pytest

from crm.errors import DealcastError, WrongUse
from crm.patience import Patience, TryAgain, seconds_asked
from crm.salesforce.entry import door
from crm.salesforce.line import Unanswered
from crm.salesforce.org import Org
from tests.vendors.salesforce import faults, login
from tests.vendors.salesforce.certificate import signing_key, write_certificate
from tests.vendors.salesforce.faults import Fault
from tests.vendors.salesforce.filling import empty_company
from tests.vendors.salesforce.opened import CLIENT, org
from tests.vendors.salesforce.server import Server, running

PERSON = {
    "SALESFORCE_USERNAME": login.USER,
    "SALESFORCE_PASSWORD": login.PASSWORD,
    "SALESFORCE_SECURITY_TOKEN": login.SECURITY_TOKEN,
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def salesforce(certificate):
    company = empty_company()
    company.put("User", [{"Name": "Ada"}])
    with running(Server(company), certificate) as server:
        yield server


def names(line):
    return [row["Name"] for page in line.query("SELECT Id, Name FROM User") for row in page.rows]


@pytest.mark.parametrize(
    ("secrets", "how"),
    [
        (CLIENT, "client_credentials"),
        ({**CLIENT, **PERSON}, "password"),
        (PERSON, "soap"),
    ],
)
def test_each_way_in(salesforce, secrets, how):
    assert names(org(salesforce, secrets=secrets)) == ["Ada"]
    assert salesforce.gate.logins == [how]


def test_a_signed_assertion_lets_in(salesforce):
    private, salesforce.gate.public_key = signing_key()
    secrets = {
        "SALESFORCE_CLIENT_ID": login.CLIENT_ID,
        "SALESFORCE_USERNAME": login.USER,
        "SALESFORCE_PRIVATE_KEY": private,
    }
    assert names(org(salesforce, secrets=secrets)) == ["Ada"]
    assert salesforce.gate.logins == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    with pytest.raises(WrongUse, match="no private key"):
        names(org(salesforce, secrets={**secrets, "SALESFORCE_PRIVATE_KEY": "not a key"}))


def test_a_sessions_id_lets_in_until_it_ends(salesforce):
    salesforce.gate.tokens.add("given")
    line = org(salesforce, secrets={"SALESFORCE_SESSION_ID": "given"})
    assert names(line) == ["Ada"]
    salesforce.gate.expire()
    with pytest.raises(DealcastError, match="session has ended"):
        names(line)


def test_a_session_that_has_expired_is_renewed_once(salesforce):
    line = org(salesforce)
    assert names(line) == ["Ada"]
    for _ in range(3):
        salesforce.gate.expire()
        assert names(line) == ["Ada"]
    assert len(salesforce.gate.logins) == 4
    salesforce.gate.expire()
    line.bulk("User").start_query("SELECT Id FROM User")  # Bulk API 2.0 goes over the same line


@pytest.mark.parametrize(
    "secrets", [{**CLIENT, "SALESFORCE_CLIENT_SECRET": "wr0ng!"}, {**PERSON, "SALESFORCE_PASSWORD": "wr0ng!"}]
)
def test_wrong_secrets_are_told_and_never_shown(salesforce, secrets):
    with pytest.raises(DealcastError, match="does not let us in") as refused:
        names(org(salesforce, secrets=secrets))
    assert "wr0ng" not in "".join(traceback.format_exception(refused.value))
    assert "wr0ng" not in repr(door("salesforce://x", secrets.get))


def test_what_is_missing_is_named(salesforce):
    with pytest.raises(WrongUse, match="DEALCAST_SALESFORCE_USERNAME is given") as refused:
        names(org(salesforce, secrets={"SALESFORCE_USERNAME": "ada"}))
    assert "DEALCAST_SALESFORCE_CLIENT_ID" in refused.value.expected


@pytest.mark.parametrize(
    "url",
    [
        "salesforce://",
        "salesforce://ada:pw@x.my.salesforce.com",
        "salesforce://x/path",
        "salesforce://x?a=1",
        "hubspot://x",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(WrongUse) as refused:
        door(url, CLIENT.get)
    assert "pw@" not in str(refused.value)


@pytest.mark.parametrize(
    "what", [faults.LOST_BEFORE, faults.LOST_AFTER, faults.CUT, 429, 500, 502, 503, "concurrent"], ids=str
)
def test_what_reads_is_asked_again(salesforce, what):
    line = org(salesforce)
    salesforce.faults.planned = [Fault(what, "/query", times=3)]
    assert names(line) == ["Ada"]
    assert salesforce.faults.planned[0].times == 0


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(salesforce):
    line = org(salesforce)
    line.line._timeout = (1.0, 0.2)
    salesforce.faults.planned = [Fault(faults.SILENT, "/query")]
    assert names(line) == ["Ada"]


def test_retry_after_is_kept_and_a_wait_beyond_the_budget_is_not_waited_for(salesforce):
    waits = []
    line = org(salesforce, Patience(budget=100, first=0.01, longest=0.05, sleep=waits.append))
    salesforce.faults.planned = [Fault(503, "/query", wait=7), Fault(429, "/query", wait=20)]
    assert names(line) == ["Ada"]
    assert 7 <= waits[0] < 7.1
    assert 20 <= waits[1] < 20.1
    salesforce.faults.planned = [Fault(503, "/query", wait=3600, times=9)]
    with pytest.raises(DealcastError, match="busy: 503"):
        names(line)
    assert len(waits) == 2


def test_no_calls_left_is_said_at_once(salesforce):
    line = org(salesforce)
    salesforce.calls_left = 0
    with pytest.raises(DealcastError, match="REQUEST_LIMIT_EXCEEDED") as refused:
        names(line)
    assert "run this again later" in refused.value.remedy


@pytest.mark.parametrize("what", [faults.LOST_AFTER, faults.CUT, 500, 502], ids=str)
def test_what_writes_is_never_sent_twice(salesforce, what):
    line = org(salesforce)
    salesforce.faults.planned = [Fault(what, "composite")]
    with pytest.raises(Unanswered):
        line.update("User", [{"Id": next(iter(salesforce.company.tables["User"].rows)), "Title": "CEO"}])
    assert len([target for method, target in salesforce.requests if method == "PATCH"]) == 1


def test_a_host_that_nobody_answers_at_is_named():
    with pytest.raises(DealcastError, match="there is no answer") as refused:
        names(Org(door("salesforce://127.0.0.1:9", CLIENT.get), Patience(budget=0.1, first=0.01)))
    assert "127.0.0.1:9" in str(refused.value)


def test_a_certificate_that_is_not_trusted_is_not_gone_past(salesforce, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(DealcastError, match="certificate is not trusted"):
        names(Org(door(f"salesforce://{salesforce.host}", CLIENT.get)))
    assert not salesforce.gate.logins


def test_waits_grow_at_random_and_end_with_the_budget():
    waits = []

    def never():
        raise TryAgain(DealcastError("no"))

    with pytest.raises(DealcastError, match="no"):
        Patience(budget=60, first=1, longest=8, sleep=waits.append).call(never)
    assert 60 - 8 < sum(waits) <= 60
    assert waits[0] <= 1 < max(waits) <= 8
    assert len(set(waits)) == len(waits)


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("", None), ("soon", None)])
def test_retry_after_is_read(said, seconds):
    assert seconds_asked({"Retry-After": said}) == seconds


def test_retry_after_may_be_a_date():
    assert seconds_asked({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert seconds_asked({"Retry-After": "Wed, 21 Oct 2065 07:28:00 GMT"}) > 1e9
