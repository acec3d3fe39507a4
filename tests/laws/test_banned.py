"""What is banned moves nothing: with a column banned, whatever stands in it leaves every feature as it was."""

import numpy as np
import pandas as pd
import pytest

from crm.clock import parse_as_of
from crm.simulator import SimulatorSettings, simulate
from crm.sources.banned import banned_columns
from crm.tables import CrmTables, Wishes
from features.catalogue import catalogue
from features.dataset import rows_at, training_set
from features.engines import prepare
from features.histories import Histories
from features.settings import propose
from features.snapshots import open_deals
from features.vocabulary import learn

SETTINGS = SimulatorSettings(deals=120, seed=5)
AS_OF = parse_as_of(SETTINGS.end.isoformat())
OF_DEALS = (
    *("amount", "close_date", "account_id", "owner_id", "forecast_category", "probability"),
    *("type", "lead_source", "product", "region", "next_step"),
)
ELSEWHERE = (
    *("activities.direction", "activities.contact_id", "activities.owner_id", "activities.subject"),
    *("activities.duration_minutes", "contact_roles.role", "contact_roles.added_at", "users.started_at"),
    *("accounts.industry", "accounts.employees", "accounts.annual_revenue", "accounts.country"),
    *("accounts.created_at", "leads.converted_at"),
)


@pytest.fixture(scope="module")
def company() -> CrmTables:
    tables = simulate(SETTINGS).tables
    fixed = {column for column in ELSEWHERE if column.startswith("accounts.")}
    return CrmTables(tables.frames, tables.fixed | fixed, tables.own)


@pytest.fixture(scope="module")
def whole(company) -> pd.DataFrame:
    return features_of(company)


def banning(tables: CrmTables, column: str) -> CrmTables:
    return CrmTables(tables.frames, tables.fixed, tables.own, wishes=Wishes(banned=banned_columns([column])))


def scrambled(tables: CrmTables, column: str) -> CrmTables:
    """The column's values, those of its recorded changes too, dealt out anew; a quarter of them lost."""
    rng = np.random.default_rng(1)
    table, _, name = column.rpartition(".")
    frame = tables[table or "opportunities"].copy()
    frame[name] = dealt_out(frame[name], rng)
    frames = {table or "opportunities": frame}
    if not table:
        changes = tables["changes"].copy()
        of_it = np.flatnonzero(changes["field"] == name)
        for side in ("old_value", "new_value"):
            changes.loc[of_it, side] = dealt_out(changes.loc[of_it, side], rng).to_numpy()
        frames["changes"] = changes
    return tables.with_frames(**frames)


def dealt_out(values: pd.Series, rng: np.random.Generator) -> pd.Series:
    dealt = values.iloc[rng.permutation(len(values))].set_axis(values.index)
    return dealt.mask(rng.random(len(values)) < 0.25)


def features_of(tables: CrmTables) -> pd.DataFrame:
    histories = Histories(tables)
    vocabulary = learn(histories, propose(histories).calendar)
    prepared = prepare(histories, catalogue(vocabulary), vocabulary.calendar)
    return rows_at(prepared, open_deals(histories, AS_OF), prepared.known_features).features


@pytest.mark.parametrize("column", [*OF_DEALS, *ELSEWHERE])
def test_no_feature_rests_on_a_banned_column(company, whole, column):
    banned = banning(company, column)
    before = features_of(banned)
    pd.testing.assert_frame_equal(before, features_of(scrambled(banned, column)))
    assert set(before) <= set(whole)


@pytest.mark.parametrize("column", ["amount", "owner_id", "next_step", "activities.direction", "accounts.country"])
def test_without_the_ban_they_do(company, whole, column):
    assert not whole.equals(features_of(scrambled(company, column)))


@pytest.mark.parametrize("column", ["owner_id", "accounts.country"])
def test_nothing_is_learned_of_it_in_training(company, column):
    histories = Histories(banning(company, column))
    training = training_set(histories, propose(histories), AS_OF)
    there = training_set(Histories(company), propose(histories), AS_OF)
    assert len(training.features.columns) < len(there.features.columns)
    assert column.rpartition(".")[2].removesuffix("_id") not in training.kinds
