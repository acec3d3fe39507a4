"""The leakage audit on companies whose leaks are planted, and on real ones whose leaks are known."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import closed_deals
from crm.history import known_by
from crm.leakage import LeakageAudit, Verdict, leakage_audit
from crm.predictive_power import Power
from crm.sources.files import read_folder
from crm.sources.mapping import mapping_from_toml
from crm.suspicions import Sort, findings
from crm.tables import CrmTables
from tests.histories import LOST, OPEN_STAGES, WON, change, company, crm, deal, show

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OWNERS = ("u1", "u2", "u3")
FIRST, SECOND = OPEN_STAGES[:2]


@cache
def planted(
    deals: int = 400, share_won: float = 0.5, fixed: tuple[str, ...] = (), owners_since: datetime | None = None
) -> CrmTables:
    """A company that opens two deals a day; every fourth is still open.

    amount is set to zero when a deal is lost, close_date to the day of the closing, owner_id to whoever closes it;
    all three are tracked, owner_id from `owners_since` on. type is filled in when a deal is won and region says how
    it ended, untracked; product is innocent. Columns of the company's own: a reference that no two deals share, a
    budget known from the start, the day on which the deal was closed.
    """
    rng = np.random.default_rng(5)
    rows, changes, own = [], [], []
    for i in range(deals):
        name, created = f"D{i:04}", START + i * DAY / 2
        closed = created + timedelta(days=int(rng.integers(4, 40)))
        won, is_open = bool(rng.random() < share_won), i % 4 == 3
        outcome = WON if won else LOST
        planned, amount = created + timedelta(days=int(rng.integers(10, 60))), float(rng.integers(1, 90) * 100)
        first, last = OWNERS[rng.integers(3)], "closer won" if won else "closer lost"
        told = owners_since is None or closed >= owners_since
        values = {
            "stage": (FIRST, SECOND if is_open else outcome),
            "amount": (amount, amount if is_open or won else 0.0),
            "close_date": (f"{planned:%Y-%m-%d}", f"{planned if is_open else closed:%Y-%m-%d}"),
            "owner_id": (first, first if is_open else last),
        }
        changes.append(change(name, (created + DAY).isoformat(), "stage", FIRST, SECOND))
        if not is_open:
            changes.append(change(name, closed.isoformat(), "stage", SECOND, outcome))
            for field in ("amount", "close_date", *(["owner_id"] if told else [])):
                before, after = values[field]
                if before != after:
                    changes.append(change(name, closed.isoformat(), field, before, after))
        rows.append(
            deal(
                name,
                created.isoformat(),
                **{field: after for field, (_, after) in values.items()},
                account_id=f"a{i % 90}",
                closed_at=None if is_open else closed.isoformat(),
                is_won=None if is_open else won,
                type="Signed" if won and not is_open else None,
                region=None if is_open else "North" if won else "South",
                product="AB"[rng.integers(2)],
            )
        )
        own.append((f"ref-{rng.integers(10**9):09}", f"€ {rng.integers(1, 99)},000", f"{closed:%d.%m.%Y}"))
    tables = crm(rows, changes=changes, fixed=fixed)
    columns = pd.DataFrame(own, columns=["Reference", "Budget", "Signed on"], dtype="str")
    return tables.with_frames(opportunities=pd.concat([tables["opportunities"], columns], axis=1))


@pytest.fixture(scope="module")
def audit() -> LeakageAudit:
    return leakage_audit(planted(fixed=("type", "product")))


def told(tables: CrmTables, field: str) -> dict[str, str]:
    """What was found of a field, by code."""
    return {one.code: one.says.replace("\u00a0", " ") for one in findings(leakage_audit(tables)) if one.field == field}


def test_each_filled_field_that_may_change_has_a_verdict(audit):
    assert {one.field: one.verdict for one in audit.fields} == {
        "stage": Verdict.TRACKED,
        "amount": Verdict.TRACKED,
        "close_date": Verdict.TRACKED,
        "account_id": Verdict.NATURE,
        "owner_id": Verdict.TRACKED,
        "type": Verdict.DECLARED,
        "product": Verdict.DECLARED,
        "region": Verdict.UNKNOWN,
        "Reference": Verdict.UNKNOWN,
        "Budget": Verdict.UNKNOWN,
        "Signed on": Verdict.UNKNOWN,
    }
    assert (audit.closed, audit.won + audit.lost) == (300, 300)
    assert audit["region"].filled == 0.75


@pytest.mark.parametrize("field", ["stage", "amount", "owner_id"])
def test_what_the_closing_overwrote_predicts_today_and_did_not_then(audit, field):
    found = audit[field]
    assert found.today.auc > 0.9
    assert found.half_way.auc < 0.6
    assert 0.4 < found.from_half_way <= 1


def test_how_often_todays_value_differs_is_counted_from_the_closed_deals():
    tables = planted()
    audit, deals = leakage_audit(tables), tables["opportunities"]
    lost = (deals["is_won"] == False).sum()  # noqa: E712
    assert audit["amount"].from_half_way == audit["amount"].from_creation == lost / 300
    assert audit["stage"].from_creation == audit["stage"].from_half_way == 1
    assert audit["product"].from_half_way is None


def test_a_field_that_is_filled_at_the_closing_is_found_out(audit):
    assert audit["type"].today.auc == audit["region"].today.auc == 1
    assert audit["type"].outcome.one == 1
    assert audit["type"].outcome.other == 0
    assert audit["region"].outcome.one == audit["region"].outcome.other == 1
    assert (audit["region"].closing.one, audit["region"].closing.other) == (1, 0)


@pytest.mark.parametrize("field", ["product", "Reference", "Budget", "account_id"])
def test_what_is_innocent_predicts_nothing(audit, field):
    assert audit[field].today.auc < 0.6
    assert not [one for one in findings(audit) if one.field == field]


def test_columns_of_ones_own_are_taken_for_what_they_read_as(audit):
    assert {name: audit[name].reads_as for name in ("Reference", "Budget", "Signed on")} == {
        "Reference": "text",
        "Budget": "number",
        "Signed on": "date",
    }
    assert audit["amount"].reads_as is None


def test_a_declared_column_of_ones_own_is_read_as_declared():
    tables = planted(fixed=("Paid",))
    paid = tables["opportunities"]["region"].map({"North": "100", "South": "0"})
    frame = tables["opportunities"].assign(Paid=paid)
    undeclared = leakage_audit(tables.with_frames(opportunities=frame))["Paid"]
    declared = leakage_audit(replace(tables.with_frames(opportunities=frame), own={"Paid": tables.kind_of("amount")}))
    assert (undeclared.reads_as, declared["Paid"].reads_as) == ("number", None)
    assert undeclared.today == declared["Paid"].today == Power(1.0, 0.0)
    assert declared["Paid"].verdict is Verdict.DECLARED


def test_dates_are_looked_at_as_ages_not_as_days():
    """Every deal that was created late is lost; a date planned ten days ahead of the creation tells nothing of it."""
    rows = [
        deal(
            f"D{i:03}",
            (START + i * DAY).isoformat(),
            WON if i < 100 else LOST,
            is_won=i < 100,
            closed_at=(START + (i + 5) * DAY).isoformat(),
            close_date=f"{START + (i + 10) * DAY:%Y-%m-%d}",
        )
        for i in range(200)
    ]
    assert leakage_audit(crm(rows))["close_date"].today.auc == 0.5


def test_a_declared_leak_is_a_warning_with_what_to_do(audit):
    warnings = {one.code: one for one in findings(audit) if one.field == "type"}
    assert set(warnings) == {"tells_outcome", "filled_by_outcome", "filled_by_closing"}
    one = warnings["tells_outcome"]
    assert one.sort is Sort.WARNING
    assert one.says == "declared fixed, yet it alone tells won from lost (AUC 1.00 on 300 closed deals)."
    assert "take it off `fixed` in dealcast.toml" in one.remedy
    closing = audit["type"].closing
    assert closing.other == 0
    assert f"on {round(100 * closing.one)}\u00a0% of closed deals and 0\u00a0%" in warnings["filled_by_closing"].says


def test_a_leak_that_is_left_out_is_no_warning_but_a_reason_to_leave_it_so(audit):
    left = [one for one in findings(audit) if one.field == "region"]
    assert {one.sort for one in left} == {Sort.LEFT_OUT}
    assert {one.code for one in left} == {"tells_outcome", "filled_by_closing"}
    assert all(one.says.startswith("today it ") and not one.remedy for one in left)


def test_a_leak_that_the_reconstruction_shuts_out_is_said():
    found = told(planted(), "amount")
    assert set(found) == {"leak_shut_out"}
    assert "today's value tells won from lost with AUC 1.00, the one half-way with 0." in found["leak_shut_out"]


def test_closings_that_the_history_does_not_record_are_a_warning():
    """The owner is overwritten at the closing, but only a handful of unrelated changes of owner are recorded."""
    tables = planted(deals=400, owners_since=START + 400 * DAY)
    stray = change("D0003", (START + 5 * DAY).isoformat(), "owner_id", "u1", "u2")
    tables = tables.with_frames(changes=pd.concat([tables["changes"], crm([], changes=[stray])["changes"]]))
    found = told(tables, "owner_id")
    assert set(found) == {"told_outcome_then"}
    assert "AUC 1.00 on 300 closed deals" in found["told_outcome_then"]


def test_a_field_declared_fixed_of_which_changes_are_recorded_is_a_warning():
    tables = planted(fixed=("amount",))
    recorded = int((tables["changes"]["field"] == "amount").sum())
    assert told(tables, "amount")["changes_though_fixed"] == (
        f"declared fixed, yet {recorded} changes are recorded, on {recorded} deals."
    )
    assert leakage_audit(tables)["amount"].verdict is Verdict.TRACKED


def test_an_account_that_changes_is_a_warning():
    tables = planted()
    moved = crm([], changes=[change("D0000", START.isoformat(), "account_id", "a1", "a0")])["changes"]
    found = told(tables.with_frames(changes=pd.concat([tables["changes"], moved])), "account_id")
    assert found == {
        "changes_though_fixed": "taken as fixed at the creation, yet 1 change is recorded, on 1 deal.",
    }


def test_tracking_that_began_late_is_a_warning():
    since = START + 100 * DAY
    tables = planted(owners_since=since)
    tracking = leakage_audit(tables)["owner_id"].tracking
    assert tracking.since == f"{since:%Y-%m-%d}"
    assert 0.45 < tracking.before < 0.55
    assert 0.3 < tracking.closed_before < tracking.before
    assert tracking.missed == pytest.approx(tracking.closed_before * 300, rel=0.25)
    found = told(tables, "owner_id")
    assert f"first recorded change is of {since:%Y-%m-%d}; {round(tracking.before * 100)} %" in found["tracked_late"]
    assert "tracked_late" not in told(planted(), "owner_id")


def test_changes_that_are_rare_are_not_taken_for_late_ones():
    """The first of three changes comes half-way through the data: that is chance."""
    tables = planted()
    rest = tables["changes"][tables["changes"]["field"] != "owner_id"]
    rare = [change("D0399", (START + i * DAY).isoformat(), "owner_id", "u1", "u2") for i in (200, 220, 240)]
    found = told(tables.with_frames(changes=pd.concat([rest, crm([], changes=rare)["changes"]])), "owner_id")
    assert "tracked_late" not in found


def test_fewer_than_forty_of_an_outcome_are_too_few_to_say():
    few = leakage_audit(planted(share_won=0.1))
    assert few.won < 40
    assert not few.enough
    assert all(one.today is None and one.half_way is None and one.outcome is None for one in few.fields)
    assert few["amount"].from_half_way > 0.8
    assert {one.code for one in findings(few)} <= {"filled_by_closing"}


def test_deals_entered_when_all_was_over_are_no_witnesses():
    tables = planted()
    late = [
        deal(f"L{i}", START.isoformat(), WON, closed_at=START.isoformat(), is_won=True, region="South", type="Signed")
        for i in range(50)
    ]
    frame = pd.concat([tables["opportunities"], crm(late)["opportunities"]], ignore_index=True)
    more = leakage_audit(tables.with_frames(opportunities=frame))
    assert more.closed == 300
    assert more["region"].today == leakage_audit(tables)["region"].today


def test_a_reopened_deal_is_judged_by_its_last_span():
    rows = [
        deal(f"D{i}", START.isoformat(), WON, is_won=True, closed_at=(START + 30 * DAY).isoformat()) for i in (0, 1)
    ]
    moves = [(10, FIRST, LOST), (20, LOST, FIRST), (30, FIRST, WON)]
    changes = [change("D0", (START + day * DAY).isoformat(), "stage", old, new) for day, old, new in moves]
    closed = closed_deals.closed_deals(crm(rows, changes=changes))
    assert closed.won.all()
    at = [int((START + day * DAY).timestamp() * 1000) for day in (25, 15)]
    assert list(closed.half_way) == at


def test_facts_of_accounts_and_users_are_looked_at_through_the_deals():
    """Users are those who owned the deal half-way, not whoever closed it."""
    tables = planted(fixed=("accounts.employees",))
    won = tables["opportunities"].groupby("account_id")["is_won"].mean()
    accounts = crm([], accounts=[{"account_id": a, "employees": 10.0, "industry": "X"} for a in won.index])["accounts"]
    users = [{"user_id": u, "team": "floor"} for u in OWNERS]
    users += [{"user_id": "closer won", "team": "won"}, {"user_id": "closer lost", "team": "lost"}]
    audit = leakage_audit(tables.with_frames(accounts=accounts, users=crm([], users=users)["users"]))
    assert audit["accounts.employees"].verdict is Verdict.DECLARED
    assert audit["accounts.industry"].verdict is Verdict.UNKNOWN
    assert audit["users.team"].today.auc == 0.5
    assert audit["users.team"].filled == 1
    assert audit["accounts.industry"].today.auc == 0.5


def test_what_is_not_filled_has_no_row():
    fields = {one.field for one in leakage_audit(planted()).fields}
    assert not fields & {"name", "closed_at", "is_won", "opportunity_id", "created_at", "lead_source", "currency"}


def test_no_deal_at_all_is_no_crash():
    assert leakage_audit(crm([])) == LeakageAudit((), 0, 0, 0)


# Laws -----------------------------------------------------------------------------------------------------------


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_any_order_of_rows_gives_the_same_table(random):
    tables = planted(deals=160, fixed=("type",))
    shuffled = {
        name: frame.sample(frac=1, random_state=random.randrange(10**6)).reset_index(drop=True)
        for name, frame in tables.frames.items()
    }
    assert leakage_audit(tables.with_frames(**shuffled)) == leakage_audit(tables)


@settings(max_examples=12)
@given(st.integers(0, 10**6))
def test_every_company_can_be_audited_and_shares_are_shares(seed):
    audit = leakage_audit(show(company(np.random.default_rng(seed))))
    for one in audit.fields:
        shares = (one.filled, one.from_creation, one.from_half_way)
        assert all(share is None or 0 <= share <= 1 for share in shares)
        assert (one.tracking is not None) == (one.from_half_way is not None) or one.verdict is not Verdict.TRACKED
    assert len({one.field for one in audit.fields}) == len(audit.fields)
    assert all(one.says for one in findings(audit))


def test_a_sample_is_drawn_by_the_ids_and_is_told(monkeypatch):
    tables, whole = planted(), leakage_audit(planted(owners_since=START + 100 * DAY))
    monkeypatch.setattr(closed_deals, "MOST_CLOSED", 200)
    one, again = leakage_audit(tables), leakage_audit(tables.with_frames(opportunities=tables["opportunities"][::-1]))
    assert (one.closed, one.won + one.lost) == (300, 200)
    assert one == again
    late = leakage_audit(planted(owners_since=START + 100 * DAY))
    assert late["owner_id"].tracking.missed == pytest.approx(whole["owner_id"].tracking.missed, rel=0.3)


# Real data ------------------------------------------------------------------------------------------------------


def test_todays_owner_of_a_loan_offer_tells_how_it_ended_and_the_owner_then_did_not(real_data: Path):
    audit = leakage_audit(read_folder(real_data / "loan_offers").tables)
    assert (audit.won, audit.lost) == (1277, 1360)
    owner = audit["owner_id"]
    assert owner.today.auc > 0.85
    assert owner.half_way.auc < 0.6
    assert owner.from_half_way > 0.9
    codes = {(one.field, one.code) for one in findings(audit)}
    assert codes == {("stage", "leak_shut_out"), ("owner_id", "leak_shut_out")}
    assert audit["amount"].verdict is Verdict.UNKNOWN
    assert audit["amount"].today.auc < 0.6


def test_loan_offers_as_of_an_earlier_day_show_the_same_trap(real_data: Path):
    as_of = int(datetime(2011, 12, 18, 23, 59, tzinfo=UTC).timestamp() * 1000)
    audit = leakage_audit(known_by(read_folder(real_data / "loan_offers").tables, as_of))
    assert 1000 < audit.won + audit.lost < 2637
    assert audit["owner_id"].today.auc - audit["owner_id"].half_way.auc > 0.2


def test_an_account_that_maven_fills_in_as_a_deal_closes_is_warned_of(real_data: Path):
    guide = (Path(__file__).parents[2] / "docs" / "your-data.md").read_text(encoding="utf-8")
    mapping = guide.split("## Any other shape")[1].split("```toml\n")[1].split("```")[0]
    audit = leakage_audit(read_folder(real_data / "maven", mapping_from_toml(tomllib.loads(mapping))).tables)
    assert (audit.won, audit.lost) == (4238, 2473)
    assert audit["amount"].today.auc == 1
    assert max(audit[field].today.auc for field in ("account_id", "owner_id", "product")) < 0.55
    codes = {(one.field, one.code, one.sort) for one in findings(audit)}
    assert codes == {
        ("account_id", "filled_by_closing", Sort.WARNING),
        ("amount", "tells_outcome", Sort.LEFT_OUT),
        ("amount", "filled_by_closing", Sort.LEFT_OUT),
        ("stage", "tells_outcome", Sort.LEFT_OUT),
    }
