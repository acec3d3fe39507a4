"""The tables about the company: accounts, users, stages, quotas, costs, leads."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm.simulator import names, planning
from crm.simulator.company import NEVER
from crm.simulator.parts import Company, Ids
from crm.simulator.typed import flags, ids, table, words
from crm.simulator.vocabulary import CLOSED_WON, COST_KINDS, INDUSTRIES, OPEN_STAGES, REGIONS, SOURCES, STAGES

_STAGES = [stage.name for stage in STAGES]
_REGIONS = [region.name for region in REGIONS]


def accounts(company: Company, key: Ids) -> pd.DataFrame:
    """One row an account."""
    everyone = company.accounts
    countries = [country for region in REGIONS for country, _ in region.countries]
    first_deal = np.full(len(everyone), NEVER)
    np.minimum.at(first_deal, company.deals.account, company.deals.created)
    return table(
        "accounts",
        {
            "account_id": key.account,
            "name": names.account_names(company.settings, everyone),
            "industry": words(everyone.industry, INDUSTRIES),
            "employees": everyone.employees,
            "annual_revenue": everyone.annual_revenue,
            "country": words(everyone.region * len(REGIONS[0].countries) + everyone.country, countries),
            # The earliest account takes the deals for which none has entered yet.
            "created_at": company.utc(np.minimum(everyone.entered, first_deal) - 12 * 3600),
        },
    )


def users(company: Company, key: Ids) -> pd.DataFrame:
    """One row a user."""
    people = company.people
    row = np.arange(len(people.team))
    staff = 2 + people.teams
    titles = ("Head of Sales", "Automatic user", "Sales Manager", "Account Executive")
    title = np.select([row < 2, row < staff], [row, np.full_like(row, 2)], 3)
    region = np.where(people.team >= 0, people.team_region[people.team], -1)
    return table(
        "users",
        {
            "user_id": key.user,
            "name": names.people_names(company.settings, people),
            "email": names.addresses(company.settings, people),
            "manager_id": words(people.manager, key.user),
            "team": words(people.team, names.team_names(people)),
            "region": words(region, _REGIONS),
            "title": words(title, titles),
            "active": flags((people.left > company.settings.horizon).astype(np.int64)),
            "started_at": company.utc(people.started),
        },
    )


def stages() -> pd.DataFrame:
    """The sales process."""
    position = np.arange(len(STAGES))
    return table(
        "stages",
        {
            "stage": words(position, _STAGES),
            "position": position + 1,
            "is_closed": flags((position >= OPEN_STAGES).astype(np.int64)),
            "is_won": flags((position == CLOSED_WON).astype(np.int64)),
            "probability": np.array([stage.probability for stage in STAGES]),
            "forecast_category": words(position, [stage.forecast_category for stage in STAGES]),
        },
    )


def quotas(company: Company, key: Ids) -> pd.DataFrame:
    """One row a rep and quarter."""
    plan = planning.quotas(company.settings, company.people, company.deals)
    period = plan.period.astype("datetime64[us]")
    user = words(plan.user, key.user)
    return table("quotas", {"user_id": user, "period_start": period, "amount": plan.amount})


def costs(company: Company) -> pd.DataFrame:
    """One row a month, team and kind."""
    spent = planning.costs(company.settings, company.people)
    return table(
        "costs",
        {
            "period_start": spent.period.astype("datetime64[us]"),
            "amount": spent.amount,
            "team": words(spent.team, names.team_names(company.people)),
            "kind": words(spent.kind, COST_KINDS),
        },
    )


def leads(company: Company, key: Ids) -> pd.DataFrame:
    """One row a lead."""
    found = planning.leads(company.settings, company.people, company.deals, company.clocks.arrival)
    converted = company.utc(np.where(found.deal >= 0, found.converted, 0))
    converted[found.deal < 0] = np.datetime64("NaT")
    return table(
        "leads",
        {
            "lead_id": ids("L", len(found.deal)),
            "created_at": company.utc(found.created),
            "converted_at": converted,
            "opportunity_id": words(found.deal, key.deal),
            "source": words(found.source, SOURCES),
            "owner_id": words(found.owner, key.user),
        },
    )
