"""`dealcast feedback`: a person's word beside the model's answer, in the list, the explanation and the record."""

import json
from datetime import timedelta

import pandas as pd
import pytest

from serving.store import Store
from tests.acceptance.worlds import LAST_DAY, WEEK_BEFORE, copied, dealcast, new_home

MONTHS_BEFORE = "2026-05-15"


def flowing(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


@pytest.fixture
def home(scored, tmp_path):
    return copied(scored.home, tmp_path / "home")


def feedback(home, *words):
    return dealcast("feedback", *words, "--home", home)


def test_a_verdict_is_kept_beside_the_answer_that_it_is_about(home, scored):
    deal = scored.scores.iloc[0]
    told = feedback(home, deal["opportunity_id"], "override", "--probability", "25 %", "--note", "budget  frozen")
    assert told.code == 0, told.err
    assert "stays as it is" in flowing(told.out)
    (row,) = Store.under(home).feedback()
    assert (row["probability"], row["note"], row["verdict"]) == (0.25, "budget frozen", "override")
    assert (row["run_id"], row["win_probability"]) == (deal["run_id"], deal["win_probability"])
    assert row["author"]


def test_the_explanation_shows_what_people_say_below_the_answer(home, scored):
    deal = scored.scores.iloc[0]["opportunity_id"]
    chance = scored.scores.iloc[0]["win_probability"]
    side = "high" if chance > 0.02 else "low"
    feedback(home, deal, "agree", "--by", "Anna")
    feedback(home, deal, "override", "--probability", 0.01, "--by", "Anna", "--note", "budget frozen")
    feedback(home, deal, "dispute", "--too", "low", "--by", "Bob")
    told = dealcast("explain", deal, "--home", home)
    assert told.code == 0, told.err
    made = Store.under(home).feedback()[0]["made_at"]
    text = flowing(told.out)
    assert f"• Anna, {made.day} {made:%b}: too {side}, 1 % — budget frozen • Bob, {made.day} {made:%b}: too low" in text
    assert "agrees" not in text, "the newest verdict of a person counts"
    assert text.index("Data confidence") < text.index("What people say") < text.index("the chance of a typical")
    assert max(map(len, told.lines)) <= 80
    found = json.loads(dealcast("explain", deal, "--home", home, "--json").out)
    assert [one["verdict"] for one in found["verdicts"]] == ["override", "dispute"]
    assert found["win_probability"] == chance


def test_a_snoozed_deal_is_left_out_of_the_list_and_counted_and_kept_in_the_file(home, scored, company, tmp_path):
    first, second = scored.scores["opportunity_id"].iloc[:2]
    until = (pd.Timestamp(LAST_DAY) + timedelta(days=3)).date()
    assert feedback(home, first, "snooze", "--until", until).code == 0
    feedback(home, second, "override", "--probability", "0,07", "--by", "Anna")
    out = tmp_path / "scores.parquet"
    score = ("score", "--data", company, "--home", home, "--as-of", LAST_DAY)
    told = dealcast(*score, "--out", out)
    assert told.code == 0, told.err
    assert set(pd.read_parquet(out)["opportunity_id"]) == set(scored.scores["opportunity_id"])
    assert not [line for line in told.lines if line.startswith("  1 ")], "the first in priority is the snoozed one"
    assert [line for line in told.lines if line.startswith("  2 ")]
    assert "1 deal is snoozed and left out here" in flowing(told.out)
    assert f"10 of {len(scored.scores)}" in told.out
    assert ": too" in next(line for line in told.lines if "✎ Anna" in line)
    assert json.loads(dealcast(*score, "--json").out)["snoozed"] == [first]
    listed = json.loads(feedback(home, "--list", "--open", "--json").out)["feedback"]
    assert {one["opportunity_id"]: one["verdict"] for one in listed} == {first: "snooze", second: "override"}
    feedback(home, first, "agree")
    assert json.loads(dealcast(*score, "--json").out)["snoozed"] == [], "a person's newer word ends the snooze"


def test_a_snooze_ends_with_its_day_or_with_the_deals_facts(home, scored, company, tmp_path):
    first, second = scored.scores["opportunity_id"].iloc[:2]
    for deal in (first, second):
        feedback(home, deal, "snooze", "--until", "2026-08-16")
    data = copied(company, tmp_path / "data")
    deals = pd.read_csv(data / "opportunities.csv", dtype=str)
    owner = deals.set_index("opportunity_id")["owner_id"][first]
    deals.loc[deals["opportunity_id"] == first, "owner_id"] = "U9999"
    changes = pd.read_csv(data / "changes.csv", dtype=str)
    moved = {"opportunity_id": first, "changed_at": "2026-08-15T08:00:00Z", "field": "owner_id"}
    moved |= {"old_value": owner, "new_value": "U9999"}
    deals.to_csv(data / "opportunities.csv", index=False)
    pd.concat([changes, pd.DataFrame([moved])]).to_csv(data / "changes.csv", index=False)
    snoozed = {}
    for day in ("2026-08-14", "2026-08-15", "2026-08-16"):
        told = dealcast("score", "--data", data, "--home", home, "--as-of", day, "--json")
        assert told.code == 0, told.err
        snoozed[day] = json.loads(told.out)["snoozed"]
    assert snoozed == {"2026-08-14": sorted([first, second]), "2026-08-15": [second], "2026-08-16": []}


@pytest.fixture(scope="module")
def months_ago(trained, company, tmp_path_factory):
    """A home in which deals were scored months ago that have closed since, and their scores."""
    home = copied(trained.home, tmp_path_factory.mktemp("months") / "home")
    out = home.parent / "scores.parquet"
    told = dealcast("score", "--data", company, "--home", home, "--as-of", MONTHS_BEFORE, "--out", out)
    assert told.code == 0, told.err
    return home, pd.read_parquet(out)


def test_who_was_right_is_told_of_deals_that_have_closed(months_ago, company, simulation, tmp_path):
    home, scores = copied(months_ago[0], tmp_path / "home"), months_ago[1]
    deals = simulation.tables["opportunities"].set_index("opportunity_id")
    closed = [one for one in scores["opportunity_id"] if pd.notna(deals["closed_at"][one])]
    still = next(one for one in scores["opportunity_id"] if pd.isna(deals["closed_at"][one]))
    record = ("feedback", "--record", "--data", company, "--home", home)
    feedback(home, closed[0], "override", "--probability", 1)
    assert "Too early: 1 of 1 deal has closed" in flowing(dealcast(*record, "--as-of", LAST_DAY).out)
    assert "Too early: 0 of 1 deal have closed" in flowing(dealcast(*record, "--as-of", MONTHS_BEFORE).out)
    for one in closed[:25]:
        knows = 0.9 if deals["is_won"][one] else 0.1
        feedback(home, one, "override", "--probability", knows, "--by", "Anna")
        feedback(home, one, "dispute", "--too", "high", "--by", "Bob")
    feedback(home, still, "override", "--probability", 0.5, "--by", "Anna")
    found = json.loads(dealcast(*record, "--as-of", LAST_DAY, "--json").out)
    people = {row["author"]: row for row in found["overrides"]["people"]}
    assert (people["Anna"]["given"], people["Anna"]["closed"]) == (26, 25)
    chance = scores.set_index("opportunity_id")["win_probability"][closed[:25]].to_numpy()
    won = deals["is_won"][closed[:25]].to_numpy(bool)
    assert found["overrides"]["brier"]["person"] < found["overrides"]["brier"]["model"]
    assert found["overrides"]["brier_saved"]["low"] > 0
    high = found["sides"]["high"]
    assert (high["given"], high["closed"], high["borne_out"]) == (25, 25, int((~won).sum()))
    assert high["expected"] == pytest.approx((1 - chance).sum())
    told = dealcast(*record, "--as-of", LAST_DAY)
    assert "People were nearer, beyond chance." in told.out
    assert f"{(~won).sum()} of 25 were lost" in flowing(told.out)
    assert max(map(len, told.lines)) <= 80


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody", "agree"), "the deal 'nobody' has not been scored"),
        (("DEAL", "override"), "an override needs --probability"),
        (("DEAL", "dispute"), "--too high or --too low"),
        (("DEAL", "snooze"), "the day on which the deal comes back"),
        (("DEAL", "agree", "--probability", "0.4"), "say 'override' instead"),
        (("DEAL", "override", "--probability", "25"), "'25' is not a chance"),
        (("DEAL", "override", "--probability", "high"), "'high' is not a chance"),
        (("DEAL", "override", "--probability", "nan"), "'nan' is not a chance"),
        (("DEAL", "snooze", "--until", LAST_DAY), "a day from 2026-08-15 to 2027-08-15"),
        (("DEAL", "snooze", "--until", "2027-08-16"), "a day from 2026-08-15 to 2027-08-15"),
        (("DEAL", "snooze", "--until", "soon"), "a day from 2026-08-15 to 2027-08-15"),
        (("DEAL", "shrug"), "invalid choice: 'shrug'"),
        (("DEAL",), "no deal and verdict are given"),
        ((), "no deal and verdict are given"),
        (("DEAL", "agree", "--list"), "together with --list"),
        (("--list", "--record"), "not allowed with"),
        (("--record",), "needs the tables"),
        (("--open",), "no deal and verdict are given"),
        (("DEAL", "agree", "--open"), "--open goes with --list"),
        (("--list", "--data", "x"), "--data goes with --record"),
        (("CLOSED", "agree"), "was not open any more in the newest scoring, as of 2026-08-14"),
    ],
)
def test_what_does_not_fit_is_wrong_use_and_nothing_is_kept(scored, words, says):
    before = pd.read_parquet(scored.home.parent / "before.parquet")["opportunity_id"]
    closed = before[~before.isin(scored.scores["opportunity_id"])].iloc[0]
    names = {"DEAL": scored.scores["opportunity_id"].iloc[0], "CLOSED": closed}
    told = feedback(scored.home, *(names.get(word, word) for word in words))
    assert told.code == 2
    assert says in flowing(told.err)
    assert Store.under(scored.home).feedback() == ()


def test_where_nobody_has_said_anything_that_is_said_and_no_home_is_made(tmp_path, company):
    home = tmp_path / "none"
    for words in (("--list",), ("--list", "--open")):
        told = feedback(home, *words)
        assert told.code == 0
        assert told.out.startswith("There is no verdict")
    told = feedback(home, "--record", "--data", company, "--as-of", WEEK_BEFORE)
    assert "Nobody has judged a deal" in told.out
    assert feedback(home, "D1", "agree").code == 2
    assert not home.exists()


def test_every_verdict_is_kept_and_listed(home, scored):
    deal = scored.scores["opportunity_id"].iloc[0]
    for words in (("agree",), ("dispute", "--too", "low"), ("snooze", "--until", "2026-09-01")):
        feedback(home, deal, *words, "--by", "Anna", "--note", f"because {words[0]}")
    told = feedback(home, "--list")
    text = flowing(told.out)
    assert text.index("agrees — because agree") < text.index("too low — because dispute") < text.index("snoozed until")
    assert len(json.loads(feedback(home, "--list", "--json").out)["feedback"]) == 3
    assert max(map(len, told.lines)) <= 80


def test_own_numbers_for_periods_can_be_anothers_too(few_deals, tmp_path):
    home = new_home(tmp_path / "home")
    assert dealcast("forecast", "--data", few_deals, "--home", home, "--as-of", WEEK_BEFORE).code == 0
    adjust = ("forecast", "adjust", "--level", "company", "--key", "company", "--amount", 5, "--by", "Anna")
    assert "by Anna" in dealcast(*adjust, "--home", home).out
