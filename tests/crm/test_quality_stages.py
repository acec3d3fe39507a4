"""Stages inferred from deals, their moves and their names."""

import pandas as pd
import pytest

from crm.stages import infer_stages
from crm.tables import CHANGES, OPPORTUNITIES, STAGES, CrmTables

AT = pd.Timestamp("2024-01-01", tz="UTC")


def typed(table, frame):
    return frame.reindex(columns=[c.name for c in table.columns]).astype({c.name: c.kind.dtype for c in table.columns})


def tables(deals, moves=()):
    """Deals as (stage, closed, won, probability), moves as (from, to)."""
    rows = [
        {
            "opportunity_id": f"D{i}",
            "created_at": AT,
            "stage": s,
            "closed_at": AT if c else pd.NaT,
            "is_won": w,
            "probability": p,
        }
        for i, (s, c, w, p) in enumerate(deals)
    ]
    frame = pd.DataFrame(rows).astype({"is_won": "boolean"})
    frame["closed_at"] = pd.to_datetime(frame["closed_at"], utc=True)
    frames = {"opportunities": typed(OPPORTUNITIES, frame)}
    if moves:
        changes = pd.DataFrame(moves, columns=["old_value", "new_value"])
        frames["changes"] = typed(CHANGES, changes.assign(opportunity_id="D0", changed_at=AT, field="stage"))
    return CrmTables(frames)


def found(*args):
    stages = infer_stages(tables(*args))
    assert [(c, str(t)) for c, t in stages.dtypes.items()] == [(c.name, c.kind.dtype) for c in STAGES.columns]
    assert stages["position"].tolist() == list(range(1, len(stages) + 1))
    names = {"open": [], "won": [], "lost": []}
    for stage, closed, won in stages[["stage", "is_closed", "is_won"]].itertuples(index=False):
        names["won" if won else "lost" if closed else "open"].append(stage)
    return names


def test_the_order_is_that_of_the_moves_though_deals_skip_and_go_back():
    moves = [("A", "B")] * 9 + [("B", "C")] * 8 + [("C", "B")] * 3 + [("A", "C")] * 5 + [("C", "D")] * 4
    moves += [(None, "A")] * 9 + [("D", "Closed Won"), ("A", "Closed Lost")]
    deals = [("D", False, None, None), ("Closed Won", True, True, None), ("Closed Lost", True, False, None)]
    assert found(deals, moves) == {"open": ["A", "B", "C", "D"], "won": ["Closed Won"], "lost": ["Closed Lost"]}


def test_a_stage_is_closed_and_won_by_its_deals_whatever_its_name():
    deals = (
        [("Ja", True, True, None)] * 3
        + [("Nein", True, False, None)] * 3
        + [("Lost in thought", False, None, None)] * 3
    )
    assert found(deals) == {"open": ["Lost in thought"], "won": ["Ja"], "lost": ["Nein"]}


def test_an_outcome_of_false_while_open_closes_nothing():
    deals = [("New", False, False, None)] * 3 + [("Won", True, True, None), ("Nope", True, False, None)]
    assert found(deals) == {"open": ["New"], "won": ["Won"], "lost": ["Nope"]}
    without_times = [("New", False, False, None)] * 3 + [("Won", False, True, None), ("Lost", False, False, None)]
    assert found(without_times) == {"open": ["New"], "won": ["Won"], "lost": ["Lost"]}


@pytest.mark.parametrize(
    ("won", "lost"),
    [("Won", "Lost"), ("Closed Won", "Closed Lost"), ("closedwon", "closedlost"), ("7 - WON", "Not won")],
)
def test_usual_names_tell_where_the_deals_do_not(won, lost):
    deals = [("Open", False, None, None), (lost, False, None, None), (won, False, None, None)]
    assert found(deals) == {"open": ["Open"], "won": [won], "lost": [lost]}


def test_closing_times_without_outcomes_leave_the_outcome_to_the_names():
    deals = [("Engaging", False, None, None), ("Won", True, None, None), ("Lost", True, None, None)]
    assert found(deals) == {"open": ["Engaging"], "won": ["Won"], "lost": ["Lost"]}


def test_without_moves_the_crms_probabilities_order_the_stages():
    deals = [("Zeta", False, None, 10), ("Alpha", False, None, 60), ("Mid", False, None, 30)]
    assert found(deals)["open"] == ["Zeta", "Mid", "Alpha"]


def test_without_probabilities_numbers_and_words_in_the_names_do():
    numbered = [("3 Close", False, None, None), ("10 Sign", False, None, None), ("1 Hello", False, None, None)]
    assert found(numbered)["open"] == ["1 Hello", "3 Close", "10 Sign"]
    worded = [
        ("Negotiation", False, None, None),
        ("Prospecting", False, None, None),
        ("Proposal sent", False, None, None),
    ]
    assert found(worded)["open"] == ["Prospecting", "Proposal sent", "Negotiation"]


def test_a_stage_that_only_the_history_knows_is_there():
    assert "Old" in found([("New", False, None, None)], [("Old", "New")])["open"]
