"""A store with something in every table that the views show, the same in any database."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from serving.store import Store
from serving.store_tables import (
    ADJUSTMENTS,
    CLOSED,
    CRM_USERS,
    DEALS,
    FEEDBACK,
    FORECASTS,
    MODELS,
    PROMOTIONS,
    RUNS,
    SCORES,
)

MONDAY = datetime.fromisoformat("2026-08-10T23:59:59.999")
WEEK = timedelta(days=7)
NASTY = 'Größe "≥ 10" \\ ☕ it\'s %d {} $.for\n=2+5'
SCORINGS = (
    ("score-a", MONDAY, 0),
    ("score-b", MONDAY + WEEK, 1),
    ("score-z", MONDAY + WEEK, 2),
    ("score-c", MONDAY, 3),
)
"""Runs, as of when, and the minute in which they were made: one date twice, the last run made looks back."""
FORECASTINGS = (("forecast-a", MONDAY, 0), ("forecast-b", MONDAY + WEEK, 1), ("forecast-c", MONDAY + WEEK, 2))
PERIODS = ((date(2026, 7, 1), date(2026, 9, 30)), (date(2026, 10, 1), date(2026, 12, 31)))
DEALS_OF = {
    "score-a": ("D1", "D2", "0012"),
    "score-b": ("D1", "=D3"),
    "score-z": ("D1", "=D3", "D4"),
    "score-c": ("D1",),
}


def reason(group: str, points: float, **more: object) -> dict[str, object]:
    plain = {"group": group, "feature": f"{group}_30d", "value": 3.125, "says": NASTY, "evidence": "", "points": points}
    return {**plain, "rate": 0.1234, "deals": 214, "actionable": True, **more}


def _reasons(number: int) -> str:
    said: dict[str, object] = {
        "base": 0.25,
        "for": [reason("replies", 0.2), reason("stage", 0.1 + number / 7, value=None, rate=None, actionable=False)],
        "against": [reason("pushes", -0.05, deals=0)][: number % 2],
        "rest": -0.01,
        "missing": ["amount"],
    }
    if number % 3 == 1:
        moves = [
            {
                "group": "pushes",
                "feature": "pushes",
                "says": "Pushed 3 times.",
                "before": "Pushed twice.",
                "points": -0.05,
            },
            {"group": "replies", "feature": "replies_30d", "says": "8 replies.", "before": "", "points": 5e-05},
        ]
        said["moved"] = {"since": "2026-08-03", "from": 0.3, "to": 0.25, "moves": moves, "rest": 0.0, "late": 0.0}
    return json.dumps(said, ensure_ascii=False)


def _coaching(number: int) -> str:
    gap = {
        "practice": "heard-back:7", "feature": "days_since_inbound", "brief": "80 % of won deals", "says": NASTY,
        "here": 12.5, "won": 0.8125, "won_deals": 927, "lost": 0.4, "lost_deals": 973, "odds": 2.5, "low": 1.5,
        "high": 4.0, "segment": ["region", "EMEA"], "kind": "gap",
    }  # fmt: skip
    change = {
        "kind": "change", "action": "meeting+proposal", "brief": "Meet", "says": "Met.", "from": 0.25, "to": 0.5,
        "stall_from": None, "stall_to": 0.25, "like_deals": 50, "like_won": 30, "other_deals": 40, "other_won": 9,
    }  # fmt: skip
    calm = {
        "kind": "change",
        "action": "meeting",
        "brief": "Calm",
        "says": "So.",
        "like_stalled": 3,
        "other_stalled": 0,
    }
    return json.dumps([gap, change, calm][: number % 4], ensure_ascii=False)


def fill(url: str) -> Store:
    """A store at an empty database, filled."""
    store = Store(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for table, rows in _rows().items():
            connection.execute(sa.insert(table), rows)
    engine.dispose()
    return store


def _rows() -> dict[sa.Table, list[dict[str, object]]]:
    runs = [
        {"run_id": run, "kind": kind, "as_of": as_of, "started_at": MONDAY + timedelta(days=30, minutes=minute)}
        for kind, made in (("score", SCORINGS), ("forecast", FORECASTINGS))
        for run, as_of, minute in made
    ]
    as_of = {row["run_id"]: row["as_of"] for row in runs}
    scored = [(run, deal) for run, deals in DEALS_OF.items() for deal in deals]
    return {
        RUNS: [{**run, "model_version": "2"} for run in runs],
        SCORES: [_score(run, as_of[run], deal, number) for number, (run, deal) in enumerate(scored)],
        DEALS: [_deal(run, deal, number) for number, (run, deal) in enumerate(scored)],
        FORECASTS: [row for number, (run, at, _) in enumerate(FORECASTINGS) for row in _forecast(run, at, number)],
        FEEDBACK: [_verdict(*one) for one in ((1, "ada", "D1"), (2, "bob", "D1"), (3, "ada", "D1"), (4, "ada", "D2"))],
        ADJUSTMENTS: [_adjustment(number, author) for number, author in enumerate(("ada", "bob", "ada"), start=1)],
        CLOSED: [
            {"run_id": run, "opportunity_id": "D2", "closed_at": as_of[run], "is_won": run != "score-b", "name": NASTY,
             "account": "", "owner_id": "u1" if won else None, "amount": 1.5 if won else None, "currency": "EUR"}
            for won, run in enumerate(("score-c", "score-b", "score-z"))
        ],
        CRM_USERS: [
            {"user_id": user, "name": NASTY, "email": f"{user}@example.com", "manager_id": None, "team": "=Team",
             "region": None, "title": None, "active": active, "as_of": MONDAY}
            for user, active in (("u1", True), ("u2", False), ("0012", None))
        ],
        MODELS: [_model(version, day) for day, version in enumerate(("1", "2", "10"))],
        PROMOTIONS: [
            _promotion(number, version, how) for number, (version, how) in enumerate(_PROMOTED, start=1)
        ],
    }  # fmt: skip


_PROMOTED = (("1", None), ("2", "gate"), ("1", "rollback"), ("2", "forced"))


def _score(run: str, as_of: object, deal: str, number: int) -> dict[str, object]:
    known = number % 3 != 2
    return {
        "run_id": run, "as_of": as_of, "opportunity_id": deal, "win_probability": 1 / (number + 3),
        "win_probability_change": 0.1 / 3 if known else None, "score": 50 + number, "grade": "ABCD"[number % 4],
        "win_probability_this_period": 1 / (number + 7), "expected_close_date": date(2026, 9, 1) if known else None,
        "stall_risk": 0.3 if known else None, "expected_amount": 1000.1 * number if known else None,
        "expected_revenue_this_period": 10.0, "revenue_at_stake": None, "priority": number + 1, "data_confidence": 0.75,
        "reasons": _reasons(number), "stall_reasons": _reasons(number + 1) if known else "{}",
        "coaching": _coaching(number), "model_version": "2", "scored_at": MONDAY + timedelta(days=30, microseconds=1),
    }  # fmt: skip


def _deal(run: str, deal: str, number: int) -> dict[str, object]:
    known = number % 2 == 0
    return {
        "run_id": run, "opportunity_id": deal, "name": NASTY, "account": "" if known else "@Acme", "stage": "Propose",
        "owner": "Ada", "close_date": date(2026, 8, 31) if known else None, "amount": 33_900.25 if known else None,
        "currency": "EUR", "close_p10": date(2026, 8, 20), "close_p90": None, "slip_probability": None,
        "owner_id": "u1" if known else None, "account_id": "0012", "stage_since": date(2026, 8, 1) if known else None,
    }  # fmt: skip


def _forecast(run: str, as_of: datetime, number: int) -> list[dict[str, object]]:
    return [
        {
            "run_id": run, "as_of": as_of, "period_start": start, "period_end": end, "level": level, "key": key,
            "already_won": 1.5, "open_pipeline": 2.0 * number, "new_business": 3.0, "mean": 4.5 + 2.0 * number,
            "p10": 1.0, "p50": 4.0, "p90": 9.0, "quota": 10.0 if level == "company" else None,
            "quota_probability": 0.2 if level == "company" else None, "name": None if key == "u2" else f"Name of {key}",
        }
        for start, end in PERIODS[: 1 + number % 2]
        for level, key in (("company", "company"), ("owner", "u1"), ("owner", "u2"))
    ]  # fmt: skip


def _verdict(number: int, author: str, deal: str) -> dict[str, object]:
    return {
        "id": number, "made_at": MONDAY + timedelta(days=number), "opportunity_id": deal,
        "verdict": ("agree", "dispute", "override", "snooze")[number - 1], "side": "high" if number == 2 else None,
        "probability": 0.35 if number == 3 else None, "until": date(2026, 9, 9) if number == 4 else None,
        "note": NASTY, "author": author, "run_id": "score-a", "as_of": MONDAY, "scored_at": MONDAY,
        "win_probability": 0.25, "model_version": "2",
    }  # fmt: skip


def _adjustment(number: int, author: str) -> dict[str, object]:
    return {
        "id": number, "made_at": MONDAY + timedelta(days=number), "as_of": MONDAY, "period_start": PERIODS[0][0],
        "period_end": PERIODS[0][1], "level": "owner", "key": "u1", "name": "Name of u1", "amount": 12.5 * number,
        "note": "", "author": author, "run_id": "forecast-a" if number > 1 else None,
        "model_mean": 4.5 if number > 1 else None, "model_p10": 1.0 if number > 1 else None, "model_p90": None,
    }  # fmt: skip


def _model(version: str, day: int) -> dict[str, object]:
    at = MONDAY - WEEK + timedelta(days=day)
    return {
        "version": version, "sha256": "0" * 64, "folder": version, "mlflow_run_id": f"run-{version}", "trained_at": at,
        "gate_passed": version != "10", "facts": None,
    }  # fmt: skip


def _promotion(number: int, version: str, how: str | None) -> dict[str, object]:
    return {
        "id": number, "version": version, "promoted_at": MONDAY - WEEK + timedelta(days=3, minutes=number),
        "reason": f"because {number}", "how": how, "promoted_by": "ada", "from_version": None,
    }  # fmt: skip
