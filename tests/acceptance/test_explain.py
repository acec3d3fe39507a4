"""`dealcast explain ID`: one deal so that a rep understands it."""

import json
import re

import pandas as pd
import pytest

from serving.wording import percent, points
from tests.acceptance.worlds import LAST_DAY, copied, dealcast


def flowing(text: str) -> str:
    """Text as it was before lines were broken and blanks made unbreakable."""
    return " ".join(text.replace("\u00a0", " ").split())


@pytest.fixture(params=[0, 1, 2, -1])
def deal(request, scored):
    """Deals from the top of the list, and the last."""
    return scored.scores.iloc[request.param]


@pytest.fixture
def told(deal, scored):
    return dealcast("explain", deal["opportunity_id"], "--home", scored.home)


def test_it_fits_a_terminal(told):
    assert told.code == 0, told.err
    assert max(len(line) for line in told.lines) <= 80


def test_it_tells_the_probability_and_where_it_comes_from(told, deal):
    win, why = percent(deal["win_probability"]), json.loads(deal["reasons"])
    assert f"Win chance {win} (grade {deal['grade']}, score {deal['score']})".replace("\u00a0", " ") in flowing(
        told.out
    )
    told_from = f"From {percent(why['base'])}, the chance of a typical open deal, to {win}:"
    assert flowing(told_from) in flowing(told.out)


def test_it_tells_every_reason_with_its_sign_and_record(told, deal):
    why, text = json.loads(deal["reasons"]), flowing(told.out)
    assert why["for"] or why["against"]
    for reason in (*why["for"], *why["against"]):
        assert flowing(f"{reason['says']} ({points(reason['points'])})") in text
        assert flowing(reason["evidence"]) in text
    assert re.search(r"won \d+ % of the time \([\d,]+ of [\d,]+\), against \d+ % of all\.", text)
    assert not why["for"] or "What speaks for it" in text
    assert not why["against"] or "What speaks against it" in text


def test_it_tells_what_won_deals_had_and_calls_it_association(told, deal):
    for gap in json.loads(deal["coaching"]):
        assert flowing(gap["says"]) in flowing(told.out)
        assert "association, not a promise" in told.out


def test_it_tells_the_deals_most_like_it_and_what_happened(told, deal, scored, simulation):
    """Closed deals of the company, as its tables have them, none closed after the date."""
    found = json.loads(dealcast("explain", deal["opportunity_id"], "--home", scored.home, "--json").out)["like_deals"]
    deals = simulation.tables["opportunities"].set_index("opportunity_id")
    assert 0 < len(found["deals"]) <= 5
    for one in found["deals"]:
        there = deals.loc[one["opportunity_id"]]
        assert one["won"] == there["is_won"]
        assert one["closed_on"] == f"{there['closed_at']:%Y-%m-%d}" <= "2026-08-14"
        ended = f"{'won' if one['won'] else 'lost'} "
        assert flowing(f"• {one['name']}") in flowing(told.out)
        assert ended in flowing(told.out)
    assert f"{found['record']['won']} of the nearest {found['record']['deals']} were won" in flowing(told.out)


def test_what_would_change_the_answer_is_told_with_its_record(scored):
    """Where any is told: that of the list's file is that of the page, and like deals speak for it."""
    steps = {row.opportunity_id: json.loads(row.coaching) for row in scored.scores.itertuples()}
    changes = {name: [one for one in coaching if one.get("kind") == "change"] for name, coaching in steps.items()}
    told = {name: found[0] for name, found in changes.items() if found}
    assert max(len(found) for found in changes.values()) == 1
    assert len(told) > 3
    win = scored.scores.set_index("opportunity_id")["win_probability"]
    for name, step in told.items():
        assert step["from"] == pytest.approx(win[name], abs=1e-4)
        if "like_won" in step:
            assert step["to"] - step["from"] > 0.0199
            assert step["like_won"] / step["like_deals"] > step["other_won"] / step["other_deals"]
    name, step = next(iter(told.items()))
    page = dealcast("explain", name, "--home", scored.home).out
    assert flowing(step["says"]) in flowing(page)
    assert "Association, not a promise." in flowing(page)


def test_it_names_the_deal_the_model_and_the_date(told, deal, scored, simulation):
    names = simulation.tables["opportunities"].set_index("opportunity_id")["name"]
    assert names[deal["opportunity_id"]] in flowing(told.out)
    assert "as of 2026-08-14" in told.out
    assert "Model 1, scored " in told.out


def test_it_tells_by_when_the_deal_is_won_and_whether_it_slips(told, deal, scored):
    found = dealcast("explain", deal["opportunity_id"], "--home", scored.home, "--json")
    assert found.code == 0, found.err
    row, text = json.loads(found.out), flowing(told.out)
    assert row["win_probability"] == deal["win_probability"]
    assert row["reasons"] == json.loads(deal["reasons"])
    assert row["close_p10"] <= row["expected_close_date"]
    assert row["close_p90"] is None or row["expected_close_date"] <= row["close_p90"]
    assert f"Likely close {row['expected_close_date']}, if won (" in text
    assert f"Planned close {row['close_date']}" in text
    if row["close_date"] > "2026-08-14":
        slip = flowing(percent(row["slip_probability"]))
        assert f"{slip} chance that it is still open then" in text
    else:
        assert row["slip_probability"] is None


def test_an_answer_by_rates_is_explained_too(by_rates):
    deal = by_rates.scores.iloc[0]
    told = dealcast("explain", deal["opportunity_id"], "--home", by_rates.home)
    assert told.code == 0, told.err
    assert "Model baseline" in told.out
    assert re.search(r"Likely close \d{4}-\d\d-\d\d, if won \(8 of 10 between", flowing(told.out))
    assert "Of the closed deals that stood there" in flowing(told.out)
    assert "Closed deals most like it" not in told.out
    assert max(len(line) for line in told.lines) <= 80


def test_a_deal_that_was_never_scored_is_wrong_use(scored):
    told = dealcast("explain", "nobody", "--home", scored.home)
    assert told.code == 2
    assert "the deal 'nobody' has not been scored" in told.err
    assert "what to do" in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_a_mistyped_home_is_not_made(tmp_path):
    told = dealcast("explain", "D00001", "--home", tmp_path / "hoem")
    assert told.code == 2
    assert list(tmp_path.iterdir()) == []


def test_it_tells_why_the_chance_moved_since_the_run_before(scored):
    before = pd.read_parquet(scored.home.parent / "before.parquet").set_index("opportunity_id")["win_probability"]
    moves = 0
    for row in scored.scores.to_dict("records"):
        moved = json.loads(row["reasons"]).get("moved")
        assert (moved is not None) == (row["opportunity_id"] in before.index)
        if moved is None:
            continue
        assert moved["from"] == pytest.approx(before[row["opportunity_id"]], abs=1e-4)
        assert moved["to"] == pytest.approx(row["win_probability"], abs=1e-4)
        parts = [move["points"] for move in moved["moves"]]
        assert moved["facts"] == pytest.approx(sum(parts) + moved["rest"], abs=1e-3)
        assert (moved["late"], moved["model"]) == (pytest.approx(0, abs=2e-4), 0)
        assert row["win_probability_change"] == pytest.approx(sum(parts) + moved["rest"] + moved["late"], abs=1e-3)
        moves += len(parts)
    assert moves > 100


def test_the_deal_that_moved_most_says_so(scored):
    scores = scored.scores
    most = scores.loc[scores["win_probability_change"].abs().idxmax()]
    told = dealcast("explain", most["opportunity_id"], "--home", scored.home)
    moved = json.loads(most["reasons"])["moved"]
    text = flowing(told.out)
    assert flowing(f"Since 2026-08-07: {percent(moved['from'])} → {percent(moved['to'])}") in text
    for move in moved["moves"]:
        assert flowing(f"{move['says']} ({points(move['points'])})") in text
        assert flowing(f"Then: {move['before']}" if move["before"] else "") in text


def test_figures_are_written_by_the_locale(scored, tmp_path):
    home = copied(scored.home, tmp_path / "home")
    with (home / "dealcast.toml").open("a", encoding="utf-8") as configuration:
        configuration.write('\n[display]\nlocale = "de-DE"\n')
    first = scored.scores.iloc[0]["opportunity_id"]
    assert "as of 14.08.2026" in dealcast("explain", first, "--home", home).out
    told = dealcast("score", "--data", scored.data, "--home", home, "--as-of", LAST_DAY)
    assert told.code == 0, told.err
    assert re.search(r"\d{2}\.000\b", told.out)
    assert " k" not in told.out.replace("\u00a0", " ").split("Expected")[0].split("closes")[1]
