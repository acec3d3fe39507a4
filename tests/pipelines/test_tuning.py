"""Which settings a training uses, and what is told of them."""

import tomllib
from dataclasses import asdict, replace

import pytest

from pipelines.config import Config
from pipelines.reports.tuning import tuning_lines
from pipelines.terminal import WIDTH
from pipelines.tuning import tuned_before
from tests.acceptance.worlds import ROOT
from tests.training.examples import HASTY, TUNED
from training.scores import Interval
from training.settings import BoostingSettings, TuningWishes

NO_GAIN = replace(TUNED, gain=Interval(0.01, -0.012, 0.03))
CARRIED = {**TUNED.facts(), "carried": True, "trials": []}


class Champion:
    """As much of a model as is asked."""

    def __init__(self, **facts):
        self.facts = facts


@pytest.mark.parametrize(
    "champion",
    [None, Champion(), Champion(tuning=None), Champion(tuning=NO_GAIN.facts())],
    ids=["no champion", "of an earlier version", "not tuned", "tuned without a gain"],
)
def test_without_tuned_settings_the_configured_ones_are_used(champion):
    assert tuned_before(champion, Config(boosting=HASTY)) == (HASTY, None)


def test_what_was_tuned_for_the_champion_is_kept_again_and_again():
    champion = Champion(tuning=TUNED.facts())
    for _ in range(3):
        settings, tuning = tuned_before(champion, Config())
        assert settings == BoostingSettings(num_leaves=7, lambda_l2=31.5)
        assert tuning == CARRIED
        champion = Champion(tuning=tuning)


def test_what_the_configuration_names_wins_be_it_the_default():
    given = Config(boosting=BoostingSettings(num_leaves=15, seed=3), boosting_given=frozenset({"num_leaves", "seed"}))
    settings, tuning = tuned_before(Champion(tuning=TUNED.facts()), given)
    assert settings == BoostingSettings(num_leaves=15, seed=3, lambda_l2=31.5)
    assert tuning["settings"] == {"lambda_l2": 31.5}
    both = Config(boosting=HASTY, boosting_given=frozenset({"num_leaves", "lambda_l2"}))
    assert tuned_before(Champion(tuning=TUNED.facts()), both) == (HASTY, None)


@pytest.mark.parametrize(
    ("tuning", "says"),
    [
        (TUNED.facts(), "3 trials on 3 splits by time, 1 of them given up early."),
        (TUNED.facts(), "num_leaves 15 7"),
        (TUNED.facts(), "saves 2.1 % (0.4 to 3.8) of the stage rates' log loss"),
        (TUNED.facts(), "trained with the tuned settings, and later trainings keep them."),
        (NO_GAIN.facts(), "saves 1.0 % (-1.2 to 3.0)"),
        (NO_GAIN.facts(), "no gain beyond chance, so the defaults stay."),
        (replace(TUNED, trials=TUNED.trials[:1], gain=None).facts(), "no other trial to compare with"),
        (CARRIED, "tuned for the champion on what was known by 2025-06-15: num_leaves 7, lambda_l2 31.5."),
        (replace(TUNED, splits=0, trials=()).facts(), "Not tuned: too few deals had closed long enough before 2025-06"),
        (replace(TUNED, searched=(), trials=()).facts(), "Not tuned: [training] names every setting"),
    ],
)
def test_what_was_found_is_told_in_80_columns(tuning, says):
    lines = tuning_lines(tuning)
    assert says in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= WIDTH


def test_of_settings_as_configured_nothing_is_told():
    assert tuning_lines(None) == []


def test_the_page_names_the_defaults_of_every_setting():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    block = next(part for part in page.split("```toml\n") if part.startswith("[tuning]")).split("```")[0]
    assert tomllib.loads(block) == {"tuning": asdict(TuningWishes()), "training": asdict(BoostingSettings())}
