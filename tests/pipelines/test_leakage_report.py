"""The leakage audit in 80 columns: what is warned of, what is offered, and names that are out of the ordinary."""

import tomllib
from dataclasses import replace

import pytest

from crm.leakage import FieldAudit, LeakageAudit, Shares, Tracking, Verdict
from crm.predictive_power import Power
from crm.suspicions import findings
from pipelines.reports.leakage import audit_json, audit_lines

LONG = "Expected_Annual_Recurring_Revenue_of_the_Company_in_Euro__c"
UNKNOWN = FieldAudit("amount", Verdict.UNKNOWN, 0.98, today=Power(0.61, 0.01))
TRACKED = FieldAudit(
    "owner_id",
    Verdict.TRACKED,
    1.0,
    from_creation=0.7,
    from_half_way=0.6,
    today=Power(0.88, 0.01),
    half_way=Power(0.57, 0.01),
    tracking=Tracking(900, 300, "2024-03-01", 0.4, 0.2, 55.0),
)
DECLARED = FieldAudit("type", Verdict.DECLARED, 0.4, declared_fixed=True, today=Power(0.97, 0.01))
OWN = FieldAudit("Budget", Verdict.UNKNOWN, 0.4, today=Power(0.6, 0.01), reads_as="number")


def audited(*fields: FieldAudit, won=900, lost=989) -> LeakageAudit:
    return LeakageAudit(fields, won + lost, won, lost)


def report(*fields: FieldAudit, **counts) -> str:
    audit = audited(*fields, **counts)
    text = "\n".join(audit_lines(audit, findings(audit))).replace("\u00a0", " ")
    assert max(len(line) for line in text.splitlines()) <= 80
    return text


def one_line(*fields: FieldAudit, **counts) -> str:
    return " ".join(report(*fields, **counts).split())


def offered(*fields: FieldAudit) -> dict:
    """The lines that the report offers, as dealcast.toml would be read with them."""
    lines = report(*fields).partition("yours to declare in dealcast.toml")[2].splitlines()
    return tomllib.loads("\n".join(line for line in lines if line.startswith("    ")))


def test_a_row_says_the_figures():
    row = next(line for line in report(TRACKED).splitlines() if line.startswith("  owner_id"))
    assert row.split() == ["owner_id", "tracked", "100", "%", "60", "%", "0.88", "0.57"]


def test_what_cannot_be_told_is_a_dash():
    row = next(line for line in report(replace(UNKNOWN, today=None)).splitlines() if line.startswith("  amount"))
    assert row.split()[-3:] == ["–", "–", "–"]


def test_warnings_say_what_to_do():
    text = one_line(TRACKED, DECLARED)
    assert (
        "• type: declared fixed, yet it alone tells won from lost (AUC 0.97 on 1,889 closed deals). "
        "If it is filled in or changed at the closing, take it off `fixed` in dealcast.toml."
    ) in text
    assert "first recorded change is of 2024-03-01; 40 % of the closed deals were created before, 20 % closed" in text
    assert "about 55 changes of these are missing" in text
    assert "Export the older history" in text


def test_what_is_shut_out_is_no_warning():
    text = one_line(replace(TRACKED, tracking=None))
    assert "Warnings" not in text
    assert "owner_id: today's value tells won from lost with AUC 0.88, the one half-way with 0.57" in text


def test_where_all_is_well_nothing_is_listed():
    text = report(FieldAudit("product", Verdict.DECLARED, 1.0, declared_fixed=True, today=Power(0.55, 0.01)))
    for title in ("Warnings", "Leaks that are shut out", "Left out"):
        assert title not in text


def test_what_is_left_out_is_offered_as_a_line_that_can_be_taken_as_it_is():
    kept = FieldAudit("product", Verdict.DECLARED, 1.0, declared_fixed=True)
    assert offered(UNKNOWN, kept, OWN) == {
        "data": {"fixed": ["product", "amount", "Budget"]},
        "fields": {"Budget": "number"},
    }
    assert offered(replace(OWN, verdict=Verdict.TRACKED)) == {"fields": {"Budget": "number"}}


@pytest.mark.parametrize("name", [LONG, "Größe (m²)", 'a "quoted" name', "Gr.Size", "with blank"])
def test_any_name_makes_a_line_that_can_be_read(name):
    assert offered(replace(OWN, field=name)) == {"data": {"fixed": [name]}, "fields": {name: "number"}}


def test_a_leak_is_not_offered_and_neither_is_what_no_feature_asks_for():
    leak = replace(UNKNOWN, field="region", today=Power(0.99, 0.01))
    team, staff = replace(UNKNOWN, field="users.team"), replace(UNKNOWN, field="accounts.employees")
    assert offered(leak, team, staff, DECLARED) == {"data": {"fixed": ["accounts.employees"]}}
    assert "Left out, and better not declared fixed" in report(leak)
    assert "[data]" not in report(leak, team)


def test_an_account_that_is_filled_in_at_the_closing_is_warned_of():
    account = FieldAudit("account_id", Verdict.NATURE, 0.8, closing=Shares(1.0, 0.3, 0.02), today=Power(0.5, 0.01))
    text = one_line(account)
    assert "filled in on 100 % of closed deals and 30 % of open ones created at the same time. Ask whether" in text
    assert "Warnings" not in report(replace(account, closing=Shares(1.0, 0.3, 0.3)))
    assert "Warnings" not in report(replace(account, closing=Shares(0.95, 0.8, 0.001)))


def test_few_deals_are_said_to_be_too_few():
    few = [replace(one, today=None, half_way=None) for one in (TRACKED, UNKNOWN)]
    text = one_line(*few, won=39, lost=400)
    assert "Of 39 won and 400 lost deals at least 40 each are needed" in text
    assert "AUC:" not in text


def test_a_sample_is_said_to_be_one():
    audit = replace(audited(UNKNOWN), closed=600_000)
    text = " ".join(" ".join(audit_lines(audit, findings(audit))).split())
    assert "From 900 won and 989 lost deals, drawn from 600,000 closed deals." in text


def test_names_cannot_steer_the_terminal():
    assert "\x1b" not in report(replace(OWN, field="\x1b[2Jgone"), replace(DECLARED, field="\x1b]0;title\x07"))


def test_json_has_every_figure_rounded_and_no_number_that_is_none():
    field = replace(UNKNOWN, today=Power(0.6123456, 0.0098765), closing=Shares(0.91239, 0.3, 0.02))
    found = audit_json(audited(field), ())
    closing = {"filled_on_closed": 0.9124, "filled_on_open_of_same_age": 0.3, "error": 0.02}
    assert found["fields"]["amount"]["closing"] == closing
    assert found["fields"]["amount"]["outcome"] is None
    assert found["fields"]["amount"]["today"] == {"auc": 0.6123, "error": 0.0099}
    assert found["fields"]["amount"]["half_way"] is None
    assert (found["won_looked_at"], found["lost_looked_at"], found["closed_deals"]) == (900, 989, 1889)
