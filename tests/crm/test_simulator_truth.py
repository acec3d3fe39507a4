"""The true probability is one: it comes true as often as it says, and nothing known by then beats it."""

import numpy as np
import pandas as pd
import pytest

from crm.errors import WrongUse
from crm.simulator import SimulatorSettings, simulate
from crm.simulator.dynamics import HOT, LOST, MOVES, QUIET, STATES, TARGET, WON

SETTINGS = SimulatorSettings(deals=12_000, seed=5)
FIRST_PART = pd.Timestamp("2025-09-01", tz="UTC")
DAY = pd.Timedelta(days=1)
END = pd.Timestamp("2026-08-15", tz="UTC")


@pytest.fixture(scope="module")
def simulation():
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def deals(simulation):
    """Deals of the first part, with the end and the outcome of their first episode.

    A few are open even at the end of the history; what counts for them is the chance that is left, because a
    probability that is true today is the mean of what it will be.
    """
    frame = simulation.tables["opportunities"][["opportunity_id", "created_at", "owner_id"]].copy()
    changes = simulation.tables["changes"]
    moves = changes[(changes["field"] == "stage") & changes["new_value"].str.startswith("Closed")]
    first = moves.drop_duplicates("opportunity_id").set_index("opportunity_id")
    frame["closed_at"] = frame["opportunity_id"].map(first["changed_at"])
    won = frame["opportunity_id"].map(first["new_value"]) == "Closed Won"
    left = simulation.true_win_probability(frame["opportunity_id"], END)
    frame["outcome"] = np.where(frame["closed_at"].isna(), left, won.astype(float))
    frame = frame[frame["created_at"] < FIRST_PART].reset_index(drop=True)
    assert frame["closed_at"].isna().mean() < 0.02
    return frame


@pytest.fixture(scope="module")
def snapshots(simulation, deals):
    """One random date for each deal, where it is open then in its first episode."""
    random = np.random.default_rng(0)
    until = deals["closed_at"].fillna(END).max()
    span = (until - deals["created_at"]).dt.total_seconds().clip(upper=200 * 86_400)
    as_of = deals["created_at"] + pd.to_timedelta(random.random(len(deals)) * span, unit="s")
    frame = deals.assign(as_of=as_of.dt.floor("s"))
    frame = frame[frame["as_of"] < frame["closed_at"].fillna(END)].reset_index(drop=True)
    frame["truth"] = simulation.true_win_probability(frame["opportunity_id"], frame["as_of"])
    assert len(frame) > 2500
    assert frame["truth"].notna().all()
    return frame


def surprise(outcome, probability):
    """How many standard errors the outcomes lie off their probabilities."""
    return (outcome - probability).sum() / np.sqrt((probability * (1 - probability)).sum())


def test_of_the_deals_with_a_chance_of_p_the_share_p_is_won(snapshots):
    deciles = pd.qcut(snapshots["truth"], 10, labels=False)
    for _, part in snapshots.groupby(deciles):
        assert abs(surprise(part["outcome"], part["truth"])) < 3.7
    assert abs(surprise(snapshots["outcome"], snapshots["truth"])) < 3.7
    means = snapshots.groupby(deciles)[["truth", "outcome"]].mean()
    assert means["truth"].iloc[0] < 0.08
    assert means["truth"].iloc[-1] > 0.65


def test_the_calibration_test_notices_a_chance_that_is_a_little_off(snapshots):
    odds = snapshots["truth"] / (1 - snapshots["truth"]) * 1.3
    assert abs(surprise(snapshots["outcome"], odds / (1 + odds))) > 3.7


@pytest.mark.parametrize("days", [5, 20, 60, 150])
def test_on_average_the_chance_does_not_change_over_a_deals_life(simulation, deals, days):
    at_first = simulation.true_win_probability(deals["opportunity_id"], deals["created_at"])
    later = deals["created_at"] + days * DAY
    later = later.where(later < deals["closed_at"].fillna(END), deals["closed_at"])
    then = simulation.true_win_probability(deals["opportunity_id"], later.fillna(END))
    is_closed = (deals["closed_at"] <= later).to_numpy()
    then = np.where(is_closed, deals["outcome"], then)
    change = then - at_first
    assert abs(change.mean()) < 3.7 * change.std() / np.sqrt(len(change))
    assert change.std() > 0.05, "chances do move"


def test_the_rush_before_a_quarters_end_does_not_move_the_odds(snapshots):
    quarter_end = snapshots["as_of"].dt.tz_localize(None).dt.to_period("Q").dt.end_time.dt.tz_localize("UTC")
    rush = snapshots[quarter_end - snapshots["as_of"] < 14 * DAY]
    assert len(rush) > 250
    assert abs(surprise(rush["outcome"], rush["truth"])) < 3.7


def test_nothing_known_at_the_date_says_more_than_the_truth(simulation, snapshots):
    known = known_by_then(simulation, snapshots)
    assert len(known.columns) >= 10
    ids, as_of = snapshots["opportunity_id"], snapshots["as_of"]
    came = (snapshots["outcome"] == 1) & (snapshots["closed_at"] <= as_of + 30 * DAY)
    within = pd.Series(simulation.true_win_probability_within(ids, as_of, 30))
    for outcome, chance in ((snapshots["outcome"], snapshots["truth"]), (came, within)):
        for name, values in known.items():
            centred = values - values.mean()
            error = np.sqrt((centred**2 * chance * (1 - chance)).sum())
            assert abs((centred * (outcome - chance)).sum()) < 3.9 * error, name
    own = known["inbound"] - known["inbound"].mean()
    assert (own * (snapshots["outcome"] - snapshots["outcome"].mean())).sum() > 0


def known_by_then(simulation, snapshots):
    """A few features of each snapshot, from what had been entered by its date alone."""
    as_of = snapshots.set_index("opportunity_id")["as_of"]
    log = simulation.tables["activities"]
    log = log[log["recorded_at"] <= log["opportunity_id"].map(as_of)]
    changes = simulation.tables["changes"]
    changes = changes[changes["changed_at"] <= changes["opportunity_id"].map(as_of)]
    roles = simulation.tables["contact_roles"]
    roles = roles[roles["added_at"] <= roles["opportunity_id"].map(as_of)]

    def count(rows):
        return rows.groupby("opportunity_id").size().reindex(as_of.index).fillna(0).to_numpy(float)

    when = log["opportunity_id"].map(as_of)
    inbound = log[log["direction"] == "inbound"]
    lately = inbound[inbound["occurred_at"] > when[inbound.index] - 14 * DAY]
    dates = changes[changes["field"] == "close_date"]
    everything = simulation.tables["changes"]
    first = everything[everything["field"] == "close_date"].drop_duplicates("opportunity_id")
    first = first.set_index("opportunity_id")["old_value"]
    today = simulation.tables["opportunities"].set_index("opportunity_id")["close_date"]
    last = dates.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["new_value"]
    expected = pd.to_datetime(last.reindex(as_of.index).fillna(first), utc=True)
    expected = expected.fillna(today.dt.tz_localize("UTC"))
    return pd.DataFrame(
        {
            "age": (snapshots["as_of"] - snapshots["created_at"]).dt.total_seconds() / 86_400,
            "inbound": count(inbound),
            "inbound lately": count(lately),
            "outbound": count(log[log["direction"] == "outbound"]),
            "tasks": count(log[log["kind"] == "task"]),
            "meetings ahead": count(log[log["occurred_at"] > when]),
            "pushes": count(dates[dates["new_value"] > dates["old_value"]]),
            "amounts": count(changes[changes["field"] == "amount"]),
            "handovers": count(changes[changes["field"] == "owner_id"]),
            "next steps": count(changes[changes["field"] == "next_step"]),
            "contacts": count(roles),
            "days to the close date": (expected - as_of).dt.total_seconds().to_numpy() / 86_400,
            "close date within a week": (abs(expected - as_of) < 7 * DAY).to_numpy(float),
        }
    )


def test_the_chance_of_a_state_is_the_mean_of_the_chances_that_it_leads_to(simulation):
    rates = simulation.company.deals.rates(1.0).take(np.arange(200))
    chances = np.column_stack([simulation.chances[:200], np.ones(200), np.zeros(200)])
    for state in range(STATES):
        moves = rates.of(np.full(200, state))
        leads_to = np.zeros(200)
        for move in range(len(MOVES)):
            if moves[:, move].any():
                leads_to += moves[:, move] * chances[:, TARGET[state, move]]
        np.testing.assert_allclose(chances[:, state], leads_to / moves.sum(axis=1), rtol=1e-9)
    assert (WON, LOST) == (STATES, STATES + 1)


def test_without_signal_every_deal_has_the_same_chance_at_any_time():
    blind = simulate(SimulatorSettings(deals=1500, seed=5, signal=0.0))
    deals = blind.tables["opportunities"]
    truth = blind.true_win_probability(deals["opportunity_id"], deals["created_at"])
    np.testing.assert_allclose(truth, 0.30, atol=1e-9)
    won = deals["is_won"].dropna().astype(float)
    assert abs(won.mean() - 0.30) < 4 * np.sqrt(0.21 / len(won))
    strong = simulate(SimulatorSettings(deals=1500, seed=5, signal=2.0))
    usual = simulate(SimulatorSettings(deals=1500, seed=5))
    assert strong.chances.std() > usual.chances.std() * 1.2


def test_a_deal_has_a_chance_only_while_it_is_open(simulation, deals):
    some = deals.dropna(subset="closed_at").head(500)
    ids, second = some["opportunity_id"], pd.Timedelta(seconds=1)

    def is_open(at):
        return ~np.isnan(simulation.true_win_probability(ids, at))

    assert not is_open(some["created_at"] - second).any()
    assert is_open(some["created_at"]).all()
    assert is_open(some["closed_at"] - second).all()
    assert not is_open(some["closed_at"]).any()


def test_a_reopened_deal_has_a_chance_again(simulation):
    changes = simulation.tables["changes"]
    back = changes[(changes["field"] == "stage") & (changes["old_value"] == "Closed Lost")]
    assert len(back) > 20
    chance = simulation.true_win_probability(back["opportunity_id"], back["changed_at"])
    assert ((chance > 0) & (chance < 1)).all()
    before = simulation.true_win_probability(back["opportunity_id"], back["changed_at"] - DAY)
    assert np.isnan(before).all()


def test_instants_are_understood_in_every_form(simulation, deals):
    ids = deals["opportunity_id"].head(50).tolist()
    at = pd.Timestamp("2023-10-02T12:00:00Z")
    expected = simulation.true_win_probability(ids, at)
    assert np.isfinite(expected).sum() > 10
    millis = int(at.timestamp() * 1000)
    forms = [at.to_pydatetime(), at.tz_localize(None), np.datetime64("2023-10-02T12:00:00"), millis]
    forms += [np.full(50, millis), pd.Series([at] * 50), at.tz_convert("Asia/Tokyo"), at.isoformat()]
    for form in forms:
        np.testing.assert_array_equal(simulation.true_win_probability(ids, form), expected)
    assert np.isfinite(simulation.true_win_probability(["D12000"], END)).all()
    assert np.isnan(simulation.true_win_probability(["D12000"], END + DAY)).all()


def test_an_unknown_id_is_refused_not_passed_over(simulation):
    with pytest.raises(WrongUse, match="D99999"):
        simulation.true_win_probability(["D00001", "D99999"], END)


def test_the_chance_of_a_win_within_some_days(simulation):
    at = pd.Timestamp("2025-03-10T15:00:00Z")
    deals = simulation.tables["opportunities"]["opportunity_id"]
    eventual = simulation.true_win_probability(deals, at)
    rows = np.flatnonzero(~np.isnan(eventual))
    ids, eventual = deals.iloc[rows], eventual[rows]
    within = {days: simulation.true_win_probability_within(ids, at, days) for days in (0, 14, 60, 400)}
    assert (within[0] == 0).all()
    assert (within[14] < within[60]).all()
    assert (within[60] < within[400]).all()
    assert (within[400] < eventual).all()
    assert (eventual - within[400]).mean() < 0.02

    changes = simulation.tables["changes"]
    won = changes[(changes["field"] == "stage") & (changes["new_value"] == "Closed Won")]
    won = won.set_index("opportunity_id")["changed_at"]
    for days in (14, 60):
        came = ids.map(won[(won > at) & (won <= at + days * DAY)]).notna().to_numpy(float)
        assert came.sum() > 50
        assert abs(surprise(came, within[days])) < 3.7


def test_the_chance_within_some_days_agrees_with_the_matrix_exponential(simulation):
    from scipy.linalg import expm  # noqa: PLC0415 (the only use)

    from crm.simulator.dynamics import generator, win_probability_within  # noqa: PLC0415

    rates = simulation.company.deals.rates(1.0).take(np.arange(20))
    between, winning = generator(rates)
    state, busy = np.arange(20) % STATES, np.linspace(0, 80, 20)
    found = win_probability_within(rates, state, busy)
    for row in range(20):
        full = np.zeros((STATES + 1, STATES + 1))
        full[:STATES, :STATES], full[:STATES, STATES] = between[row], winning[row]
        assert found[row] == pytest.approx(expm(full * busy[row])[state[row], STATES], abs=1e-9)


def test_what_a_fact_does_to_the_chance_is_told(simulation):
    ids = simulation.tables["opportunities"]["opportunity_id"].to_numpy(object)[-3000:]
    was = simulation.true_win_probability(ids, END)
    there = ~np.isnan(was)
    np.testing.assert_allclose(simulation.true_win_probability_if(ids, END)[there], was[there], atol=1e-12)
    assert np.isnan(simulation.true_win_probability_if(ids, END)[~there]).all()
    for facts, least, most in (
        ({"mood": HOT}, 0.0, 1.0),
        ({"mood": QUIET}, -1.0, 0.0),
        ({"type": 2}, 0.0, 1.0),
        ({"size": 10_000_000}, -1.0, 0.0),
    ):
        change = simulation.true_win_probability_if(ids, END, **facts)[there] - was[there]
        assert (change >= least - 1e-12).all()
        assert (change <= most + 1e-12).all()
        assert np.abs(change).max() > 0.05
    further = simulation.true_win_probability_if(ids, END, further=1)
    last = np.isnan(further) & there
    assert 0 < last.sum() < there.sum() / 2
    assert (further[there & ~last] >= was[there & ~last]).all()
