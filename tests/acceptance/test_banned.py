"""What is banned is neither learned from nor cited, also by a model that learned from it before."""

import json

import pandas as pd
import pytest

from tests.acceptance.worlds import LAST_DAY, WEEK_BEFORE, copied, dealcast

BANNED = ("owner_id", "region", "lead_source")
OF_THEM = ("owner_", "segment_region", "segment_lead_source", "handovers", "amount_against_owner", "age_against_owner")


@pytest.fixture(scope="module")
def scored_with_ban(trained, tmp_path_factory):
    """Scores by a champion that learned from all of it."""
    home = copied(trained.home, tmp_path_factory.mktemp("banned") / "home")
    file = home / "dealcast.toml"
    names = ", ".join(f'"{name}"' for name in BANNED)
    file.write_text(file.read_text(encoding="utf-8").replace("[data]\n", f"[data]\nbanned = [{names}]\n"))
    out = home.parent / "scores.parquet"
    score = ("score", "--data", trained.data, "--home", home)
    first = dealcast(*score, "--as-of", WEEK_BEFORE)
    assert first.code == 0, first.err
    return dealcast(*score, "--as-of", LAST_DAY, "--out", out), out


def test_no_reason_speaks_of_it(scored_with_ban):
    told, out = scored_with_ban
    assert told.code == 0, told.err
    cited = []
    for row in pd.read_parquet(out).to_dict("records"):
        why, stalls = json.loads(row["reasons"]), json.loads(row["stall_reasons"])
        moves = why.get("moved", {}).get("moves", [])
        cited += [(one["group"], one["feature"]) for one in (*why["for"], *why["against"], *moves)]
        cited += [(one["group"], one["feature"]) for one in (*stalls["for"], *stalls["against"])]
        total = why["base"] + sum(one["points"] for one in (*why["for"], *why["against"])) + why["rest"]
        assert total == pytest.approx(row["win_probability"], abs=2e-3)
        assert not {"owner", "region", "lead source"} & set(why["missing"])
    assert len(cited) > 1000
    assert not [one for one in cited if any(name.startswith(OF_THEM) for name in one)]


def test_that_is_said(scored_with_ban):
    told, _ = scored_with_ban
    said = " ".join((told.out + told.err).split())
    assert "Banned by the configuration: lead_source, owner_id, region. Nothing is learned from it." in said


def test_a_protected_attribute_is_refused_before_anything_is_read(trained, tmp_path):
    home = copied(trained.home, tmp_path / "home")
    with (home / "dealcast.toml").open("a", encoding="utf-8") as file:
        file.write('\n[fields]\nBuyer_Gender__c = "category"\n')
    told = dealcast("score", "--data", trained.data, "--home", home)
    assert told.code == 2
    assert "protected attribute ('gender')" in told.err
    assert "protected = false" in told.err
