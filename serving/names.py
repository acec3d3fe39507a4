"""What people call deals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.histories import Histories


def names(histories: Histories, deal: np.ndarray) -> dict[str, np.ndarray]:
    """Name (its id where it has none) and account ("" where it has none) of deals, rows of opportunities; objects."""
    deals = histories.deals.take(deal)
    accounts = histories.tables["accounts"].set_index("account_id")["name"]
    account = deals["account_id"].map(accounts[~accounts.index.duplicated()]).astype(object)
    return {
        "name": deals["name"].fillna(deals["opportunity_id"]).to_numpy(object),
        "account": account.where(account.notna(), "").to_numpy(object),
    }


def or_none(column: pd.Series) -> np.ndarray:
    """A column's values, None where there is none; objects."""
    return column.astype(object).where(column.notna(), None).to_numpy(object)
