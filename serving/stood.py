"""How deals and people stood when a run scored them: what the store keeps beside the scores."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.clock import NEVER, instants
from crm.tables import CrmTables
from features.dataset import ScoringSet
from features.histories import Histories
from serving.names import names, or_none
from serving.scoring import texts


def stood(scoring: ScoringSet) -> pd.DataFrame:
    """What people call each scored deal and how it stood: columns of `scored_deals`, by opportunity_id."""
    histories, deal = scoring.prepared.histories, scoring.snapshots.deal
    deals = histories.deals.iloc[deal]
    facts = texts(scoring)
    return pd.DataFrame(
        {
            **names(histories, deal),
            "stage": np.array([facts_of["stage"] for facts_of in facts], dtype=object),
            "owner": np.array([facts_of["owner"] for facts_of in facts], dtype=object),
            "owner_id": or_none(deals["owner_id"]),
            "account_id": or_none(deals["account_id"]),
            "stage_since": _stage_since(histories, scoring.as_of)[deal],
            "close_date": deals["close_date"].to_numpy(),
            "amount": deals["amount"].to_numpy(float, na_value=np.nan),
            "currency": deals["currency"].fillna("").to_numpy(object),
        },
        index=pd.Index(deals["opportunity_id"].to_numpy(object), name="opportunity_id"),
    )


def closed_between(histories: Histories, after: int, until: int) -> pd.DataFrame:
    """The deals that closed in (after, until], milliseconds, and are closed still: columns of `closed_deals`."""
    spans = histories.episodes
    row = np.flatnonzero((spans.closed > after) & (spans.closed <= until) & (spans.won >= 0))
    last = np.append(spans.deal[1:] != spans.deal[:-1], True) if len(spans.deal) else np.zeros(0, dtype=bool)
    row = row[last[row]]
    deal = spans.deal[row]
    deals = histories.deals.iloc[deal]
    return pd.DataFrame(
        {
            "opportunity_id": deals["opportunity_id"].to_numpy(object),
            "closed_at": instants(spans.closed[row]),
            "is_won": spans.won[row] == 1,
            **names(histories, deal),
            "owner_id": or_none(deals["owner_id"]),
            "amount": deals["amount"].to_numpy(float, na_value=np.nan),
            "currency": deals["currency"].fillna("").to_numpy(object),
        }
    )


def crm_users(tables: CrmTables) -> pd.DataFrame:
    """The CRM's users: columns of `crm_users`; an automatic user and one who has left among them."""
    users = tables["users"].drop_duplicates("user_id", keep="last")
    return users[["user_id", "name", "email", "manager_id", "team", "region", "title", "active"]]


def _stage_since(histories: Histories, as_of: int) -> np.ndarray:
    """The day on which each deal entered its stage; None where no history of stages tells. Shape (deals,), objects."""
    since = np.full(len(histories), None, dtype=object)
    if not histories.is_known("stage"):
        return since
    history = histories.values("stage")
    moved = history.first | (history.number != np.append([-1], history.number[:-1]))
    known = moved & (history.at <= as_of) & (history.at != NEVER)
    since[history.deal[known]] = history.at[known].astype("datetime64[ms]").astype("datetime64[D]").astype(object)
    return since
