"""A controlled trial from its setting to what it says: some deals are coached, some are not, nobody sees which."""

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from pipelines.config import Home, load_config
from serving.store import Beside, Store
from serving.store_tables import DEALS, SCORE_COLUMNS
from serving.trial.assignment import COACHED, HELD_BACK, arm_of
from tests.acceptance.worlds import FAST, LAST_DAY, WEEK_BEFORE, copied, dealcast, new_home

FIRST, NEXT = "2026-05-15", "2026-06-15"
ON = '\n[trial]\nshare = 0.5\nseed = "pilot"\n'


def flowing(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def set_trial(home, text: str) -> None:
    (home / "dealcast.toml").write_text(FAST + text, encoding="utf-8")


def scores(home, company, day: str, out) -> pd.DataFrame:
    told = dealcast("score", "--data", company, "--home", home, "--as-of", day, "--out", out, "--top", 1000)
    assert told.code == 0, told.err
    return pd.read_parquet(out).assign(told=told.out)


@pytest.fixture(scope="module")
def ran(trained, company, tmp_path_factory):
    """A trial of half the deals that took them in on two days: the home, and the scores of both days."""
    folder = tmp_path_factory.mktemp("held")
    home = copied(trained.home, folder / "home")
    set_trial(home, ON)
    return home, [scores(home, company, day, folder / f"{day}.parquet") for day in (FIRST, NEXT)]


@pytest.fixture(scope="module")
def record(ran) -> pd.DataFrame:
    store = Store.under(ran[0])
    return store.assigned(store.trials()[0]["trial_id"]).set_index("opportunity_id")


def test_half_of_the_deals_are_held_back_and_shown_no_coaching_anywhere(ran, record):
    home, (first, second) = ran
    for day in (first, second):
        shown = day.set_index("opportunity_id")["coaching"] != "[]"
        arms = record["arm"].reindex(shown.index)
        assert not shown[arms == HELD_BACK].any()
        assert set(shown.index[shown]) <= set(shown.index[arms == COACHED]), "who is shown anything is in the trial"
        assert (day["reasons"] != "{}").all()
    held = record["arm"] == HELD_BACK
    assert len(held) > 40
    assert abs(held.mean() - 0.5) < 4 * np.sqrt(0.25 / len(held))
    deal = second.loc[(record["arm"].reindex(second["opportunity_id"]) == HELD_BACK).to_numpy(), "opportunity_id"]
    text = dealcast("explain", deal.iloc[0], "--home", home).out
    for word in ("What won deals had", "trial", "held back"):
        assert word not in text
    found = json.loads(dealcast("explain", deal.iloc[0], "--home", home, "--json").out)
    assert (found["coaching"], found["trial"]["arm"]) == ([], HELD_BACK)


def test_the_list_shows_steps_of_coached_deals_alone(ran, record, company):
    _, (first, _) = ran
    lines = first["told"].iloc[0].splitlines()
    shown = sum(line.startswith("    →") for line in lines)
    assert shown == (first["coaching"] != "[]").sum()
    assert "trial" not in first["told"].iloc[0]


@pytest.fixture(scope="module")
def plain(trained, company, tmp_path_factory) -> pd.DataFrame:
    """Scores of the first day without a trial."""
    folder = tmp_path_factory.mktemp("plain")
    return scores(copied(trained.home, folder / "home"), company, FIRST, folder / "scores.parquet")


def test_scores_and_reasons_are_those_without_a_trial(ran, plain):
    for column in ("opportunity_id", "win_probability", "priority", "reasons", "stall_reasons"):
        assert list(plain[column]) == list(ran[1][0][column]), column
    assert (plain["coaching"] != ran[1][0]["coaching"]).any()


def test_a_deal_comes_in_when_there_is_first_something_to_show(ran, record, plain):
    """What there is to show is what would be shown without a trial: the arms have nothing to do with it."""
    first, second = (day.set_index("opportunity_id") for day in ran[1])
    came_first = record[record["run_id"] == first["run_id"].iloc[0]]
    coaching = plain.set_index("opportunity_id")["coaching"]
    assert sorted(came_first.index) == sorted(coaching.index[coaching != "[]"])
    assert list(came_first["steps"]) == [len(json.loads(text)) for text in coaching[came_first.index]]
    assert list(came_first["win_probability"]) == list(first["win_probability"][came_first.index])
    came_later = record[record["run_id"] == second["run_id"].iloc[0]]
    assert len(came_first) + len(came_later) == len(record)
    assert len(came_later) > 5
    assert (record["arm"] == [arm_of("pilot", 0.5, unit) for unit in record["unit"]]).all()
    assert record["follow_days"].nunique() == 1


def test_drawn_by_owners_every_deal_comes_in_and_owners_are_held_back_whole(trained, company, tmp_path):
    home = copied(trained.home, tmp_path / "home")
    set_trial(home, ON + 'unit = "owner"\n')
    day = scores(home, company, FIRST, tmp_path / "scores.parquet")
    record = Store.under(home).assigned(Store.under(home).trials()[0]["trial_id"])
    assert sorted(record["opportunity_id"]) == sorted(day["opportunity_id"])
    assert (record.groupby("unit")["arm"].nunique() == 1).all()
    assert set(record["arm"]) == {HELD_BACK, COACHED}
    held = set(record.loc[record["arm"] == HELD_BACK, "opportunity_id"])
    assert (day.loc[day["opportunity_id"].isin(held), "coaching"] == "[]").all()


def test_it_is_too_early_and_no_figure_of_an_effect_is_shown(ran, company):
    impact = ("impact", "--data", company, "--home", ran[0], "--as-of", LAST_DAY)
    told = dealcast(*impact)
    assert told.code == 0, told.err
    text = flowing(told.out)
    assert "Too early to tell. A difference of 5 points shows 8 times of 10 with about" in text
    assert "At the present pace, " in text
    assert "difference (95 % interval)" not in text
    assert max(map(len, told.lines)) <= 80
    found = json.loads(dealcast(*impact, "--json").out)
    assert found["under_way"]
    for effect in found["effects"]:
        assert effect["difference"] is None
        assert effect["coached"] is None
    assert found["effects"][0]["information"]["needed"] > found["effects"][0]["deals"] > 0
    assert found["won_of_closed"] is None
    assert sum(arm["deals"] for arm in found["arms"].values()) == len(
        Store.under(ran[0]).assigned(found["trial"]["trial_id"])
    )
    assert found["findings"] == []


def test_a_run_that_looks_back_brings_nobody_in_and_withholds_all_the_same(ran, record, company, tmp_path):
    home = copied(ran[0], tmp_path / "home")
    earlier = scores(home, company, "2026-04-15", tmp_path / "scores.parquet")
    now = Store.under(home).assigned(Store.under(home).trials()[0]["trial_id"])
    assert len(now) == len(record)
    held = np.array([arm_of("pilot", 0.5, f"deal {one}") == HELD_BACK for one in earlier["opportunity_id"]])
    assert (earlier["coaching"][held] == "[]").all()
    assert (earlier["coaching"][~held] != "[]").any()


def test_another_seed_is_another_trial_and_the_earlier_one_stays(ran, record, company, tmp_path):
    home = copied(ran[0], tmp_path / "home")
    set_trial(home, ON.replace("pilot", "second"))
    told = dealcast("impact", "--data", company, "--home", home, "--as-of", LAST_DAY)
    assert told.code == 2
    assert "no deal has come into this trial yet" in told.err
    day = scores(home, company, LAST_DAY, tmp_path / "scores.parquet")
    counts = json.loads(dealcast("score", "--data", company, "--home", home, "--as-of", LAST_DAY, "--json").out)[
        "trial"
    ]
    assert counts["new"] == 0, "they have come in with the run before"
    assert 0 < counts["held_back"] < (day["coaching"] == "[]").sum()
    found = json.loads(dealcast("impact", "--data", company, "--home", home, "--as-of", LAST_DAY, "--json").out)
    assert found["trial"]["seed"] == "second"
    assert [(one["seed"], one["deals"]) for one in found["earlier"]] == [("pilot", len(record))]
    assert found["arms"][HELD_BACK]["shown_before"] > 0, "the first trial coached some of them"
    assert "seed “pilot”" in dealcast("impact", "--data", company, "--home", home, "--as-of", LAST_DAY).out


def test_switched_off_for_a_while_is_found(ran, company, tmp_path):
    home = copied(ran[0], tmp_path / "home")
    set_trial(home, "")
    scores(home, company, LAST_DAY, tmp_path / "scores.parquet")
    found = json.loads(dealcast("impact", "--data", company, "--home", home, "--as-of", LAST_DAY, "--json").out)
    assert not found["under_way"]
    (off,) = found["findings"]
    assert (off["name"], off["serious"]) == ("shown", False)


def test_a_trial_that_has_ended_takes_nobody_in_and_holds_on_to_those_it_has(ran, record, company, tmp_path):
    home = copied(ran[0], tmp_path / "home")
    set_trial(home, ON + f"until = {NEXT}\n")
    day = scores(home, company, LAST_DAY, tmp_path / "scores.parquet")
    arms = record["arm"].reindex(day["opportunity_id"]).to_numpy()
    assert (day["coaching"][arms == HELD_BACK] == "[]").all()
    new = day[pd.isna(arms)]
    drawn = np.array([arm_of("pilot", 0.5, f"deal {one}") == HELD_BACK for one in new["opportunity_id"]])
    assert (new["coaching"][drawn] != "[]").any()
    assert len(Store.under(home).assigned(Store.under(home).trials()[0]["trial_id"])) == len(record)


def test_a_run_that_coaches_nobody_brings_nobody_into_the_trial(few_deals, tmp_path):
    home = new_home(tmp_path / "home", FAST + ON)
    told = dealcast("score", "--data", few_deals, "--home", home, "--as-of", WEEK_BEFORE, "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["trial"]["new"] == 0
    assert Store.under(home).trials() == ()


def test_without_a_trial_that_is_said(few_deals, tmp_path):
    told = dealcast("impact", "--data", few_deals, "--home", tmp_path / "none")
    assert told.code == 2
    assert "there is no trial here" in told.err
    assert "[trial] with share = 0.2" in told.err
    assert not (tmp_path / "none").exists()


def company_of_a_trial(folder, home, effect: float, n: int = 5000) -> None:
    """The tables of a company and the record of its trial, in which coaching turned so many deals to be won."""
    rng = np.random.default_rng(11)
    config = load_config(Home(home)).trial
    ids = np.array([f"D{number:05}" for number in range(n)])
    came = pd.Timestamp("2026-01-31T23:59:59.999") + pd.to_timedelta(rng.integers(0, 60, n), unit="D")
    p = rng.beta(1.5, 3.0, n)
    units = [f"deal {one}" for one in ids]
    arms = np.array([arm_of(config.seed, config.share, unit) for unit in units])
    won = (rng.random(n) < p) | ((arms == COACHED) & (rng.random(n) < effect / (1 - p.mean())))
    closed = came + pd.to_timedelta(rng.uniform(1, 39, n), unit="D")
    stage = np.where(won, "Closed Won", "Closed Lost")
    deals = pd.DataFrame(
        {
            "opportunity_id": ids,
            "created_at": (came - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "closed_at": closed.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "stage": stage,
            "is_won": won,
            "amount": np.exp(rng.normal(10, 1, n)).round(2),
        }
    )
    moves = {"field": "stage", "old_value": "Open", "new_value": stage, "changed_at": deals["closed_at"]}
    stages = {"stage": ["Open", "Closed Won", "Closed Lost"], "position": [1, 2, 3], "is_closed": [False, True, True]}
    folder.mkdir(parents=True)
    deals.to_csv(folder / "opportunities.csv", index=False)
    deals[["opportunity_id"]].assign(**moves).to_csv(folder / "changes.csv", index=False)
    pd.DataFrame({**stages, "is_won": [False, True, False]}).to_csv(folder / "stages.csv", index=False)
    row = {"trial_id": config.trial_id, "seed": config.seed, "share": config.share, "unit_kind": config.unit}
    row |= {"follow_days": 40, "run_id": "run", "model_version": "1", "stage": "Open", "steps": 2}
    assigned = pd.DataFrame({"opportunity_id": ids, "unit": units, "arm": arms, "as_of": came, "win_probability": p})
    assigned = assigned.assign(**row, amount=deals["amount"], assigned_at=came)
    moment = pd.Timestamp("2026-03-31", tz="UTC").to_pydatetime()
    keep_run(Store.under(home), assigned, moment)


def keep_run(store: Store, assigned: pd.DataFrame, moment) -> None:
    nothing = pd.DataFrame(columns=[column.name for column in DEALS.columns])
    store.save_scores("run", pd.DataFrame(columns=list(SCORE_COLUMNS)), nothing, "1", moment, Beside(assigned=assigned))


@pytest.mark.parametrize("effect", [0.0, 0.10])
def test_with_enough_deals_the_effect_is_told_with_its_interval(effect, tmp_path):
    home = new_home(tmp_path / "home", ON)
    company_of_a_trial(tmp_path / "data", home, effect)
    impact = ("impact", "--data", tmp_path / "data", "--home", home, "--as-of", "2026-05-15")
    told = dealcast(*impact)
    assert told.code == 0, told.err
    text = flowing(told.out)
    assert max(map(len, told.lines)) <= 80
    found = json.loads(dealcast(*impact, "--json").out)
    assert found["findings"] == []
    made = {effect["outcome"]: effect["difference"] for effect in found["effects"]}
    assert made["won"]["low"] < effect < made["won"]["high"]
    assert made["won"]["high"] - made["won"]["low"] < 0.08
    if effect:
        assert made["won"]["low"] > 0
        assert made["revenue"]["value"] > 0
        assert "Deals that were coached were won more often, beyond chance" in text
    else:
        assert "That coaching changes the share won is not proven" in text
    assert "That proves nothing: which deals have closed" in text
    assert "won within 40 days" in text
