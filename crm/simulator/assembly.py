"""The tables of the contract, put together from what was simulated."""

from __future__ import annotations

import pandas as pd

from crm.simulator import activity, company_tables, deal_tables, fields
from crm.simulator.close_dates import close_dates
from crm.simulator.lives import spans_of, stage_moves
from crm.simulator.ownership import owners
from crm.simulator.parts import Company, Ids


def assemble(company: Company) -> dict[str, pd.DataFrame]:
    """All ten tables, typed by the contract."""
    settings, people, deals, paths = company.settings, company.people, company.deals, company.paths
    key = Ids.of(company)
    spans, moves = spans_of(paths), stage_moves(paths)
    clock = company.clocks.activity
    owner = owners(settings, people, deals, spans)
    history = {
        "stage": fields.stages(deals, moves),
        "amount": fields.amounts(settings, deals, moves),
        "close_date": close_dates(settings, people, deals, paths, spans, moves, clock),
        "owner_id": owner,
        "next_step": fields.next_steps(settings, deals, paths, moves),
        "forecast_category": fields.forecast_categories(settings, deals, moves),
    }
    roles = activity.contact_roles(settings, company.accounts, deals, paths, clock)
    logged = activity.activities(settings, people, deals, paths, owner, roles, clock)
    return {
        "opportunities": deal_tables.opportunities(company, key, history),
        "changes": deal_tables.changes(company, key, history),
        "activities": deal_tables.activities(company, key, logged),
        "contact_roles": deal_tables.contact_roles(company, key, roles),
        "accounts": company_tables.accounts(company, key),
        "users": company_tables.users(company, key),
        "stages": company_tables.stages(),
        "quotas": company_tables.quotas(company, key),
        "costs": company_tables.costs(company),
        "leads": company_tables.leads(company, key),
    }
