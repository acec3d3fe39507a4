"""A small company as scoring runs have left it in a store: written by hand, so that every figure is known."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from serving.store import Beside, Store
from serving.store_tables import DEALS, SCORE_COLUMNS

MONDAY = datetime(2026, 8, 10, 2, tzinfo=UTC)
FRIDAY, WEEK_AGO = MONDAY - timedelta(days=3), MONDAY - timedelta(days=7)


def staff(**managers: str | None) -> pd.DataFrame:
    """Users of the CRM by id, called by it with a capital letter, each with the manager."""
    return pd.DataFrame(
        {
            "user_id": list(managers),
            "name": [key.title() for key in managers],
            "manager_id": list(managers.values()),
            "active": pd.array([True] * len(managers), dtype="boolean"),
        }
    )


USERS = staff(ada="head", bo="head", head=None)


def reason(group: str, says: str, points: float, *, actionable: bool = True) -> dict[str, Any]:
    """A reason as scores keep it."""
    told = {"group": group, "feature": group, "value": 1.0, "says": says, "points": points, "actionable": actionable}
    return {**told, "evidence": "", "rate": 0.3, "deals": 100}


SILENCE = reason("buyer_silence", "No reply from the buyer for 24 days.", -0.09)
QUIET = reason("buyer_silence", "No reply from the buyer for 24 days.", 0.12)
GAP = {
    "kind": "gap",
    "practice": "people",
    "says": "1 person met so far. 71 % of won deals had met two or more.",
    "brief": "71 % of won deals had met two people (lost: 38 %)",
}


def moved(**groups: float) -> dict[str, Any]:
    """What a deal's win chance was moved by since the run before."""
    moves = [
        {"group": group, "says": f"Because of {group}.", "before": "", "points": points}
        for group, points in groups.items()
    ]
    return {"moves": moves, "facts": sum(groups.values()), "rest": 0.0, "late": 0.0, "model": 0.0}


def deal(key: str, win: float = 0.4, **facts: Any) -> dict[str, Any]:
    """A scored deal; `why` is what moved it since the run before."""
    usual = {
        "opportunity_id": key,
        "name": f"Deal {key}",
        "account": "Globex",
        "account_id": "A7",
        "stage": "Propose",
        "stage_since": date(2026, 8, 1),
        "owner": "Ada",
        "owner_id": "ada",
        "currency": "EUR",
        "amount": 48_000.0,
        "close_date": date(2026, 9, 30),
        "win_probability": win,
        "stall_risk": 0.3,
        "revenue_at_stake": 100.0,
        "why": None,
        "reasons": [SILENCE],
        "rest": 0.0,
        "missing": [],
        "stalling": [reason("season", "Summer.", 0.2), QUIET],
        "coaching": [GAP],
    }
    return {**usual, **facts}


def keep(store: Store, as_of: datetime, *deals: Mapping[str, Any], model_version: str = "3", **beside: Any) -> str:
    """Keep a scoring run of these deals, the most urgent first, with what it keeps beside; its id."""
    run_id = f"run-{as_of:%m%d%H}"
    every = {
        "run_id": run_id,
        "as_of": as_of,
        "scored_at": as_of,
        "model_version": model_version,
        "grade": "B",
        "score": 40,
    }
    every |= {"win_probability_this_period": 0.1, "data_confidence": 0.8}
    scores = [
        {
            **every,
            **one,
            "priority": place,
            "reasons": json.dumps(_reasons(one)),
            "stall_reasons": json.dumps({"base": 0.2, "for": one["stalling"], "against": []}),
            "coaching": json.dumps(one["coaching"]),
        }
        for place, one in enumerate(deals, start=1)
    ]
    table = pd.DataFrame(scores).reindex(columns=list(SCORE_COLUMNS))
    stood = pd.DataFrame(list(deals)).reindex(columns=[column.name for column in DEALS.columns])
    store.save_scores(run_id, table, stood, model_version, as_of, Beside(**{"users": USERS, **beside}))
    return run_id


def _reasons(one: Mapping[str, Any]) -> dict[str, Any]:
    """A deal's reasons from the chance of a typical one, and its step from the run before, which was on Friday."""
    told, win, step = one["reasons"], one["win_probability"], one["why"]
    found = {
        "base": win - one["rest"] - sum(why["points"] for why in told),
        "for": [why for why in told if why["points"] > 0],
        "against": [why for why in told if why["points"] <= 0],
        "rest": one["rest"],
        "missing": one["missing"],
    }
    if step is None:
        return found
    before = win - step["facts"] - step["late"] - step["model"]
    return {**found, "moved": {"since": f"{FRIDAY:%Y-%m-%d}", "from": before, "to": win, **step}}
