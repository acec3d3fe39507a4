"""The loopback HubSpot refuses what HubSpot refuses: a client that passes here keeps to the published limits."""

import json

import pytest

from tests.vendors.hubspot.company import TOKEN, Account, an_account

DEALS = "/crm/v3/objects/deals"


@pytest.fixture(scope="module")
def office() -> Account:
    account = an_account()
    account.hubspot.limits.ten_seconds = account.hubspot.limits.search_second = 10**6
    for place in range(10_050):
        account.portal.enter("deals", {"dealname": f"Deal {place}"})
    return account


def call(office: Account, method: str, path: str, body: object = None, token: str = TOKEN) -> tuple[int, dict, dict]:
    said = b"" if body is None else json.dumps(body).encode()
    return office.hubspot.answer(method, path, said, f"Bearer {token}")


def inputs(office: Account, number: int) -> list[dict]:
    return [{"id": key} for key in list(office.portal.objects["deals"])[:number]]


@pytest.mark.parametrize(
    ("method", "path", "most", "body"),
    [
        ("GET", f"{DEALS}?limit=%d", 100, None),
        ("GET", f"{DEALS}?limit=%d&propertiesWithHistory=amount", 50, None),
        ("GET", "/crm/v3/owners/?limit=%d", 500, None),
        ("POST", f"{DEALS}/batch/read", 100, {"properties": []}),
        ("POST", f"{DEALS}/batch/read", 50, {"propertiesWithHistory": ["amount"]}),
        ("POST", f"{DEALS}/batch/update", 100, {}),
        ("POST", "/crm/v4/associations/deals/contacts/batch/read", 1000, {}),
        ("POST", f"{DEALS}/search", 200, {"limit": 0}),
    ],
)
def test_a_call_holds_so_much_and_no_more(
    office: Account, method: str, path: str, most: int, body: dict | None
) -> None:
    for number, fits in ((most, True), (most + 1, False)):
        asked = None if body is None else {**body, "inputs": inputs(office, number)}
        if body and "limit" in body:
            asked = {"limit": number}
        if path.endswith("update"):
            asked = {"inputs": [{**one, "properties": {}} for one in inputs(office, number)]}
        status, _, _ = call(office, method, path % number if "%d" in path else path, asked)
        assert (status < 400) == fits


def test_search_ends_at_ten_thousand_results(office: Account) -> None:
    status, said, _ = call(office, "POST", f"{DEALS}/search", {"limit": 200, "after": "9800"})
    assert (status, said["total"], len(said["results"])) == (200, 10_050, 200)
    assert call(office, "POST", f"{DEALS}/search", {"limit": 200, "after": "10000"})[0] == 400
    assert call(office, "POST", f"{DEALS}/search", {"limit": 1, "properties": ["x" * 3_000]})[0] == 400
    assert call(office, "GET", f"{DEALS}?properties={'x' * 16_000}")[0] == 414


def test_a_bad_value_refuses_the_batch_unless_each_input_is_traced(office: Account) -> None:
    good, bad = (one["id"] for one in inputs(office, 2))
    batch = [{"id": good, "properties": {"amount": "1"}}, {"id": bad, "properties": {"amount": "much"}}]
    assert call(office, "POST", f"{DEALS}/batch/update", {"inputs": batch})[0] == 400
    assert office.portal.objects["deals"][good].value("amount") is None
    traced = [{**one, "objectWriteTraceId": one["id"]} for one in batch]
    status, said, _ = call(office, "POST", f"{DEALS}/batch/update", {"inputs": traced})
    assert (status, said["numErrors"], said["errors"][0]["context"]) == (207, 1, {"objectWriteTraceId": [bad]})
    assert office.portal.objects["deals"][good].value("amount") == "1"
    twice = {"inputs": [batch[0], batch[0]]}
    assert call(office, "POST", f"{DEALS}/batch/update", twice)[0] == 400
    for name in ("nobody_defined_me", "hs_lastmodifieddate"):
        one = {"inputs": [{"id": good, "properties": {name: "1"}}]}
        assert call(office, "POST", f"{DEALS}/batch/update", one)[0] == 400


def test_rates_tokens_and_scopes() -> None:
    office = an_account()
    limits = office.hubspot.limits
    limits.ten_seconds, limits.search_second, limits.daily = 3, 2, 9
    answers = [call(office, "GET", "/crm/v3/pipelines/deals") for _ in range(4)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429]
    assert answers[0][2]["X-HubSpot-RateLimit-Remaining"] == "2"
    assert answers[3][1]["policyName"] == "TEN_SECONDLY_ROLLING"
    office.portal.clock.sleep(int(answers[3][2]["Retry-After"]))
    searches = [call(office, "POST", f"{DEALS}/search", {}) for _ in range(3)]
    assert [status for status, _, _ in searches] == [200, 200, 429]
    assert not any("RateLimit" in name for name in searches[0][2])
    for _ in range(4):
        office.portal.clock.sleep(20)
        assert call(office, "GET", "/crm/v3/pipelines/deals")[0] == 200
    office.portal.clock.sleep(20)
    status, said, _ = call(office, "GET", "/crm/v3/pipelines/deals")
    assert (status, said["policyName"]) == (429, "DAILY")
    assert call(office, "GET", DEALS, token="another")[1]["category"] == "INVALID_AUTHENTICATION"
    limits.tokens["reader"] = ("crm.objects.deals.read",)
    status, said, _ = call(office, "POST", f"{DEALS}/batch/update", {"inputs": []}, token="reader")
    assert (status, said["category"]) == (403, "MISSING_SCOPES")
