"""The closed deals most like one, in words."""

from pipelines.reports.like_deals import lines
from serving.formats import formats_of

DEAL = {
    "opportunity_id": "C1",
    "name": "Core for Acme Ltd.",
    "account": "Acme Ltd.",
    "won": True,
    "days": 34,
    "closed_on": "2026-05-03",
    "amount": 48_300.0,
    "currency": "EUR",
}


def told(*deals, record=None):
    return [line.replace("\u00a0", " ") for line in lines({"record": record, "deals": list(deals)})]


def test_each_is_named_with_what_happened_and_when():
    assert told(DEAL, record={"won": 23, "deals": 50}) == [
        "",
        "Closed deals most like it when they stood in this stage: 23 of the nearest 50",
        "were won",
        "  • Core for Acme Ltd.: won 34 days later, on 2026-05-03, EUR 48 k",
    ]


def test_the_account_is_named_where_the_deals_name_does_not():
    other = {**DEAL, "name": "C1", "won": False, "days": 1, "amount": None}
    assert told(other)[-1] == "  • C1 · Acme Ltd.: lost 1 day later, on 2026-05-03"
    assert told({**other, "account": "", "days": 0})[-1] == "  • C1: lost within a day, on 2026-05-03"


def test_days_and_money_are_written_by_the_rules_of_a_locale():
    (line,) = lines({"record": None, "deals": [DEAL]}, formats_of("de-DE"))[2:]
    assert line.replace("\u00a0", " ") == "  • Core for Acme Ltd.: won 34 days later, on 03.05.2026, 48.000 €"


def test_a_record_of_too_few_is_not_told():
    assert told(DEAL)[1] == "Closed deals most like it when they stood in this stage"


def test_where_there_are_none_nothing_is_said():
    assert lines({}) == []
    assert lines({"record": None, "deals": []}) == []
