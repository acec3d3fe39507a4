"""The backtest: it looks at nothing that came later, adds up, and says what came."""

import numpy as np
import pandas as pd
import pytest

from crm.clock import DAY
from crm.history import data_through, known_by
from crm.periods import FiscalCalendar
from crm.simulator import SimulatorSettings, simulate
from features.histories import Histories
from features.settings import TimeWishes
from tests.training.examples import HASTY
from training.forecast.backtest import Stretch, Trial, stretches, tried
from training.forecast.baselines import BASELINES
from training.forecast.forecaster import Drawing
from training.forecast.ranges import UNTRIED
from training.forecast.record import OURS, fit_corrections, fit_ranges, of_calendar
from training.settings import Thresholds

QUARTERS = FiscalCalendar("quarter")
MONEY = ["already_won", "forecast", "actual", "open_pipeline_expected", "new_business_expected"]


def day(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


def trial_of(tables, until: int | None = None, least_closed: int = 200) -> Trial:
    until = data_through(tables) if until is None else until
    gate = Thresholds(least_closed=least_closed)
    return Trial(Histories(tables), QUARTERS, until, HASTY, gate, TimeWishes(), Drawing(draws=100))


@pytest.fixture(scope="module")
def company():
    return simulate(SimulatorSettings(deals=700, years=2.0, reps=6, seed=3)).tables


@pytest.fixture(scope="module")
def trial(company) -> Trial:
    return trial_of(company)


@pytest.fixture(scope="module")
def stretch(trial: Trial) -> Stretch:
    return stretches(QUARTERS, int(trial.histories.episodes.opened.min()), trial.until, 2)[0]


@pytest.fixture(scope="module")
def record(trial: Trial, stretch: Stretch) -> pd.DataFrame:
    return tried(trial, stretch, pd.DataFrame())


def test_periods_are_tried_from_every_week_of_theirs_and_from_their_start() -> None:
    found = stretches(QUARTERS, day("2024-01-10"), day("2025-11-20"), 3)
    assert [one.at for one in found] == [day(start) - 1 for start in ("2025-01-01", "2025-04-01", "2025-07-01")]
    weeks = [(moment.ends[0] - moment.at) / DAY for moment in found[1].moments]
    assert weeks == [91, *range(84, 0, -7)]
    assert [(one.ends[0] - one.at) / DAY for one in found[2].moments][:2] == [92, 91]
    assert all(one.begin == day("2025-04-01") for one in found[1].moments)
    assert found[1].last == day("2025-10-01") - 1


def test_a_period_is_tried_only_with_as_long_a_history_before_it() -> None:
    assert len(stretches(QUARTERS, day("2025-02-01"), day("2025-11-20"))) == 1
    assert stretches(QUARTERS, day("2025-05-01"), day("2025-11-20")) == ()


def test_short_periods_share_a_fit() -> None:
    found = stretches(FiscalCalendar("week"), day("2025-06-01"), day("2025-11-20"), 8)
    assert [len(one.moments) for one in found] == [4 * 7, 4 * 7]
    assert found[1].at - found[0].at == 28 * DAY


def test_what_came_later_changes_no_forecast(company, stretch: Stretch, record: pd.DataFrame) -> None:
    end = stretch.moments[-1].ends[0]
    cut = tried(trial_of(known_by(company, end), until=end), stretch, pd.DataFrame())
    whole = record[record["window"] == 0]
    said = [name for name in whole if name not in ("actual", "crps", "pinball", "below", "upto")]
    place = ["as_of", "level", "key", "method"]
    both = cut[cut["window"] == 0][said].merge(whole[said], on=place, suffixes=("_cut", "_whole"))
    assert len(both) == len(cut[cut["window"] == 0]) > 500
    for name in ("forecast", "already_won", "p10", "p90"):
        np.testing.assert_allclose(both[f"{name}_cut"], both[f"{name}_whole"], rtol=1e-9, err_msg=name)


def test_every_method_is_told_of_every_moment_and_levels_add_up(stretch: Stretch, record: pd.DataFrame) -> None:
    first = record[record["window"] == 0]
    without = {"same weekdays"}  # of spans of days alone
    assert set(first["method"]) <= {OURS, *BASELINES} - without
    assert {OURS, "stage-weighted pipeline", "CRM-probability-weighted pipeline", "commit category", "run rate"} <= set(
        first["method"]
    )
    assert first["as_of"].nunique() == len(stretch.moments)
    columns = ["forecast", "actual", "already_won"]
    sums = first.groupby(["as_of", "method", "level"])[columns].sum()
    company = sums.xs("company", level="level")
    for level in ("region", "manager", "owner"):
        pd.testing.assert_frame_equal(sums.xs(level, level="level"), company, rtol=1e-9)


def test_what_came_is_what_was_won_in_the_period(trial: Trial, stretch: Stretch, record: pd.DataFrame) -> None:
    facts, moment = trial.facts(), stretch.moments[0]
    won = facts.wins(moment.begin - 1, moment.ends[0])
    whole = np.nansum(facts.won_amount[won])
    company = record[(record["level"] == "company") & (record["window"] == 0)]
    assert whole > 0
    np.testing.assert_allclose(company["actual"], whole)
    ours = company[company["method"] == OURS]
    to_come = ours["open_pipeline_came"] + ours["new_business_came"]
    np.testing.assert_allclose(to_come + ours["already_won"], whole)
    assert (ours["p10"] < ours["p50"]).all()
    assert (ours["p50"] < ours["p90"]).all()
    assert (np.diff(ours.sort_values("as_of")["already_won"]) >= 0).all()


def test_windows_that_are_not_over_are_left_out(company) -> None:
    trial = trial_of(company, least_closed=100_000)
    last = stretches(QUARTERS, int(trial.histories.episodes.opened.min()), trial.until, 1)[0]
    found = tried(trial, last, pd.DataFrame())
    assert set(found["window"]) == {0}
    assert (found["period_end"] <= trial.until + 1).all()


def test_only_periods_that_were_over_teach(trial: Trial, record: pd.DataFrame) -> None:
    end = int(record.loc[record["window"] == 0, "period_end"].max())
    assert not fit_ranges(record, end - 2).tried
    assert set(fit_ranges(record, end - 2).shape.values()) == {UNTRIED}
    assert fit_ranges(record, end - 1).tried
    assert set(fit_ranges(record, end - 1).shape) == {"company", "region", "manager", "owner"}
    assert not len(fit_corrections(record, end - 2).rows)
    assert set(fit_corrections(record, end - 1).rows["window"]) == {0}


def test_quarters_teach_nothing_of_months(record: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(of_calendar(record, QUARTERS), record)
    assert of_calendar(record, FiscalCalendar("month")).empty
    assert of_calendar(pd.DataFrame(), QUARTERS).empty


def test_where_deals_are_few_rates_forecast(company, stretch: Stretch) -> None:
    found = tried(trial_of(company, least_closed=100_000), stretch, pd.DataFrame())
    ours = found[(found["method"] == OURS) & (found["level"] == "company") & (found["window"] == 0)]
    assert len(ours) == len(stretch.moments)
    assert (ours["p10"] < ours["p90"]).all()


def test_before_anything_has_closed_nothing_is_forecast(trial: Trial) -> None:
    first = int(trial.histories.episodes.opened.min())
    assert tried(trial, Stretch(first, ()), pd.DataFrame()).empty
