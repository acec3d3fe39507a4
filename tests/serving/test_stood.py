"""How deals and people stood when a run scored them."""

from datetime import date, datetime

import pandas as pd

from crm.clock import as_of_millis
from features.dataset import scoring_set
from features.feature import Vocabulary
from features.histories import Histories
from serving.stood import closed_between, crm_users, stood
from tests.histories import LOST, WON, crm


def at(day: str) -> str:
    return f"{day}T12:00:00+00:00"


def millis(day: str) -> int:
    return as_of_millis(datetime.fromisoformat(at(day)))


def deal(key: str, stage: str, **more) -> dict:
    return {"opportunity_id": key, "created_at": at("2026-01-05"), "stage": stage, **more}


def moved(name: str, day: str, old: str, new: str, field: str = "stage") -> dict:
    return {"opportunity_id": name, "changed_at": at(day), "field": field, "old_value": old, "new_value": new}


USERS = (
    {"user_id": "u1", "name": "Ada", "email": "ada@example.com", "manager_id": "u2", "active": True},
    {"user_id": "u2", "name": "Bo"},
)
TABLES = crm(
    [
        deal("back", "Qualify", owner_id="u1", account_id="a1", amount=500.0),
        deal("stays", "Prospect"),
        deal("won", WON, closed_at=at("2026-03-02"), is_won=True, owner_id="u1", amount=700.0, name="Big one"),
        deal("lost", LOST, closed_at=at("2026-03-09"), is_won=False),
        deal("again", "Qualify"),
    ],
    changes=[
        moved("back", "2026-02-02", "Prospect", "Qualify"),
        moved("back", "2026-02-10", "Qualify", "Propose"),
        moved("back", "2026-03-01", "Propose", "Qualify"),
        moved("back", "2026-03-05", "Qualify", "Qualify"),  # written anew, which is no move
        moved("won", "2026-03-02", "Prospect", WON),
        moved("lost", "2026-03-09", "Prospect", LOST),
        moved("again", "2026-03-03", "Prospect", LOST),
        moved("again", "2026-03-08", LOST, "Qualify"),
    ],
    accounts=[{"account_id": "a1", "name": "Globex"}],
    users=USERS,
)


def shown(tables, day: str) -> pd.DataFrame:
    return stood(scoring_set(Histories(tables), Vocabulary(), (), millis(day)))


def test_a_deal_is_told_with_whose_it_is_and_since_when_it_stands_in_its_stage():
    table = shown(TABLES, "2026-03-20")
    assert table.loc["back", ["owner", "owner_id", "account", "account_id", "amount"]].tolist() == [
        "Ada", "u1", "Globex", "a1", 500.0
    ]  # fmt: skip
    assert table["stage_since"].to_dict() == {
        "again": date(2026, 3, 8),
        "back": date(2026, 3, 1),
        "stays": date(2026, 1, 5),
    }
    assert table.loc["stays", ["owner_id", "account_id"]].isna().all()


def test_since_when_is_as_it_was_known_at_the_date():
    assert shown(TABLES, "2026-02-15").loc["back", "stage_since"] == date(2026, 2, 10)


def test_without_a_history_of_stages_nobody_knows_since_when():
    table = shown(crm([deal("a", "Qualify"), deal("b", "Propose")]), "2026-03-20")
    assert table["stage_since"].tolist() == [None, None]


def test_deals_that_closed_in_between_and_were_not_reopened_are_told():
    histories = Histories(TABLES)
    found = closed_between(histories, millis("2026-03-01"), millis("2026-03-20")).set_index("opportunity_id")
    assert found["is_won"].to_dict() == {"won": True, "lost": False}
    assert found.loc["won", ["name", "owner_id", "amount"]].tolist() == ["Big one", "u1", 700.0]
    assert pd.isna(found.loc["lost", "owner_id"])
    assert found.loc["lost", "closed_at"] == pd.Timestamp(at("2026-03-09"))
    # The first instant is left out, the last one counts.
    assert len(closed_between(histories, millis("2026-03-02"), millis("2026-03-09"))) == 1
    assert closed_between(histories, millis("2026-03-10"), millis("2026-03-20")).empty


def test_users_are_told_as_the_crm_has_them():
    users = crm_users(TABLES)
    assert users["email"].fillna("").tolist() == ["ada@example.com", ""]
    assert users["manager_id"].fillna("").tolist() == ["u2", ""]
