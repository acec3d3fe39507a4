"""A champion whose files are not those that were trained never answers."""

import numpy as np
import pytest
import sqlalchemy as sa

from crm.clock import parse_as_of
from crm.errors import DealcastError
from features.dataset import scoring_set
from pipelines.company import open_company
from pipelines.config import Home, load_config
from pipelines.train import champion_to_beat
from serving.store import Store
from serving.store_tables import RUNS
from tests.acceptance.worlds import LAST_DAY, copied, dealcast
from training.deal_model import load


def runs(home) -> int:
    with sa.create_engine(f"sqlite:///{home / 'dealcast.db'}").connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(RUNS)).scalar_one()


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "a flipped byte": (lambda folder: flip_a_byte(folder / "win.txt"), "are not those that were trained"),
    "a flipped byte of the head": (lambda folder: flip_a_byte(folder / "model.json"), "are not those that were"),
    "a file too many": (lambda folder: (folder / "more.txt").write_text("x"), "are not those that were trained"),
    "a file too few": (lambda folder: (folder / "stall.txt").unlink(), "are not those that were trained"),
    "no head": (lambda folder: (folder / "model.json").unlink(), "the model's files are missing"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_refused_and_nothing_is_written(trained, few_deals, tmp_path, damage):
    home, out = copied(trained.home, tmp_path / "home"), tmp_path / "scores.csv"
    (folder,) = (home / "models").iterdir()
    change, says = DAMAGE[damage]
    change(folder)
    told = dealcast("score", "--data", few_deals, "--home", home, "--out", out)
    assert told.code == 1
    assert says in told.err
    assert "what to do: " in told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert not out.exists()
    assert runs(home) == 0


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_champion_with_damaged_files_does_not_stand_in_the_way_of_the_next_one(trained, tmp_path, damage):
    home = copied(trained.home, tmp_path / "home")
    whole, nothing = champion_to_beat(Store.under(home), Home(home))
    assert (whole.names, nothing) == (load_champion(home).names, "")
    (folder,) = (home / "models").iterdir()
    change, says = DAMAGE[damage]
    change(folder)
    champion, note = champion_to_beat(Store.under(home), Home(home))
    assert champion is None
    assert says in note


def load_champion(home):
    row = Store.under(home).champion()
    return load(home / "models" / row["folder"], row["sha256"])


@pytest.fixture(scope="module")
def model(trained):
    return load_champion(trained.home)


@pytest.fixture(scope="module")
def features(model, few_deals, trained):
    config = load_config(Home(trained.home))
    company = open_company(few_deals, LAST_DAY, config)
    return scoring_set(company.histories, model.vocabulary, model.names, parse_as_of(LAST_DAY)).features


def test_columns_are_matched_by_name(model, features):
    answers = model.answer(features)
    shuffled = model.answer(features[features.columns[::-1]].assign(another=1.0))
    np.testing.assert_array_equal(answers.win, shuffled.win)
    np.testing.assert_array_equal(answers.stall, shuffled.stall)
    swapped = features.rename(columns={"days_in_stage": "age_days", "age_days": "days_in_stage"})
    assert not np.array_equal(answers.win, model.answer(swapped).win)


def test_a_missing_column_is_refused(model, features):
    with pytest.raises(DealcastError, match="needs features that are not there: age_days"):
        model.answer(features.drop(columns="age_days"))
