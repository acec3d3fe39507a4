"""The tables about deals: what they are today, how they got there, who did what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from crm.simulator import activity, names
from crm.simulator.company import OPERATIONS
from crm.simulator.parts import Company, Ids
from crm.simulator.streams import CodeHistory
from crm.simulator.typed import dates, flags, ids, iso_days, joined, money, table, whole_numbers, words
from crm.simulator.vocabulary import (
    CLOSED_WON,
    FORECAST_CATEGORIES,
    NEXT_STEPS,
    OPEN_STAGES,
    PRODUCTS,
    REGIONS,
    ROLES,
    SOURCES,
    STAGES,
    SUBJECTS,
    TYPES,
)

_STAGES = [stage.name for stage in STAGES]
_REGIONS = [region.name for region in REGIONS]
_STEPS = [text for texts in NEXT_STEPS for text in texts]


def _as_text(field: str, values: np.ndarray, key: Ids) -> pa.Array:
    """The values of a tracked field as the history of changes shows them."""
    if field == "amount":
        return whole_numbers(values)
    if field == "close_date":
        return iso_days(values)
    vocabulary = {
        "stage": _STAGES,
        "owner_id": key.user,
        "next_step": _STEPS,
        "forecast_category": FORECAST_CATEGORIES,
    }
    return words(values, vocabulary[field])


def opportunities(company: Company, key: Ids, history: dict[str, CodeHistory]) -> pd.DataFrame:
    """One row a deal, as it stands at the end."""
    deals, paths = company.deals, company.paths
    everyone = np.arange(len(deals))
    last = np.append(np.flatnonzero(np.diff(paths.deal)), len(paths) - 1)
    stage = history["stage"].today
    is_closed = stage >= OPEN_STAGES
    closed_at = company.deal_time(everyone, paths.end[last])
    closed_at[~is_closed] = np.datetime64("NaT")
    today = {name: _as_text(name, track.today, key) for name, track in history.items()}
    account = names.account_names(company.settings, company.accounts).take(pa.array(deals.account))
    return table(
        "opportunities",
        {
            **today,
            "opportunity_id": key.deal,
            "created_at": company.deal_time(everyone, deals.created),
            "amount": money(history["amount"].today),
            "close_date": dates(history["close_date"].today),
            "closed_at": closed_at,
            "is_won": flags(np.where(is_closed, stage == CLOSED_WON, -1)),
            "account_id": words(deals.account, key.account),
            "name": joined(account, " – ", words(deals.product, PRODUCTS), ", ", words(deals.type, TYPES)),
            "currency": words(np.zeros_like(deals.account), ["USD"]),
            "probability": np.array([each.probability for each in STAGES], float)[stage],
            "type": words(deals.type, TYPES),
            "lead_source": words(deals.source, SOURCES),
            "product": words(deals.product, PRODUCTS),
            "region": words(deals.region, _REGIONS),
        },
    )


def changes(company: Company, key: Ids, history: dict[str, CodeHistory]) -> pd.DataFrame:
    """All changes by time; those of one save (a deal at an instant) stand together."""
    tracks = list(history.values())
    deal = np.concatenate([track.deal for track in tracks])
    at = np.concatenate([track.at for track in tracks])
    field = np.repeat(np.arange(len(tracks)), [len(track.deal) for track in tracks])
    old = pa.concat_arrays([_as_text(name, track.old, key) for name, track in history.items()])
    new = pa.concat_arrays([_as_text(name, track.new, key) for name, track in history.items()])
    by = history["owner_id"].value_at(deal, at)
    by = np.where(field == list(history).index("owner_id"), OPERATIONS, by)
    changed_at = company.deal_time(deal, at)
    order = np.lexsort((field, deal, changed_at))
    return table(
        "changes",
        {
            "opportunity_id": words(deal[order], key.deal),
            "changed_at": changed_at[order],
            "field": words(field[order], list(history)),
            "old_value": old.take(pa.array(order)),
            "new_value": new.take(pa.array(order)),
            "changed_by": words(by[order], key.user),
        },
    )


def activities(company: Company, key: Ids, logged: activity.Activities) -> pd.DataFrame:
    """Activities in the order of their ids, which is that of their recording."""
    habits = activity.HABITS
    subjects = [SUBJECTS[habit.kind, habit.direction] for habit in habits]
    start = np.cumsum([0, *(len(texts) for texts in subjects)])
    lengths = np.diff(start)[logged.habit]
    subject = start[logged.habit] + (logged.subject * lengths).astype(np.int64)
    return table(
        "activities",
        {
            "opportunity_id": words(logged.deal, key.deal),
            "occurred_at": company.deal_time(logged.deal, logged.occurred),
            "kind": words(logged.habit, [habit.kind for habit in habits]),
            "activity_id": ids("T", len(logged.deal)),
            "direction": words(logged.habit, [habit.direction for habit in habits]),
            "recorded_at": company.deal_time(logged.deal, logged.recorded),
            "owner_id": words(logged.owner, key.user),
            "contact_id": words(logged.contact, key.contact),
            "duration_minutes": money(logged.minutes),
            "subject": words(subject, [text for texts in subjects for text in texts]),
        },
    )


def contact_roles(company: Company, key: Ids, roles: activity.ContactRoles) -> pd.DataFrame:
    """One row a person of the buyer's on a deal."""
    return table(
        "contact_roles",
        {
            "opportunity_id": words(roles.deal, key.deal),
            "contact_id": words(roles.contact, key.contact),
            "role": words(roles.role, ROLES),
            "added_at": company.deal_time(roles.deal, roles.at),
        },
    )
