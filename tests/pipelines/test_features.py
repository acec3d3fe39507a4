"""Training and scoring sets in files: what stands in them, the same whichever way they were computed."""

import json
import time
from types import SimpleNamespace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from crm.clock import DAY
from crm.errors import DataRefused, WrongUse
from crm.simulator import SimulatorSettings, simulate
from features.feature import Vocabulary, vocabulary_from
from features.fingerprint import fingerprint
from pipelines import engines
from pipelines import features as pipeline
from pipelines.config import Home, load_config
from pipelines.engines import BASE_BYTES, BYTES_A_ROW, LEAST_MEMORY, Wanted, memory_of, rows_a_part
from pipelines.features import SCORING, TRAINING, features
from tests.histories import millis

GIB = 2**30
LAST_DAY = "2026-08-14"
KEYS = ["opportunity_id", "as_of", "stage"]
LABELS = ["group", "outcome", "days", "stalled", "amount_ratio"]
CONFIGURATION = '[data]\nfixed = ["type", "lead_source", "product", "region"]\n[time]\ngrid_days = 14\n'


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    simulate(SimulatorSettings(deals=60, dirt=0.01)).write(folder)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "dealcast.toml").write_text(CONFIGURATION)
    return Home(folder)


@pytest.fixture
def in_parts(monkeypatch):
    """A budget under which the company is cut into several parts, however small it is."""
    monkeypatch.setattr(engines, "rows_a_part", lambda memory: 500)
    return Wanted(memory=GIB)


def quietly(what):
    del what


@pytest.fixture(scope="module")
def training(data, home, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "set.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "home_champion", None)  # whoever is champion, nobody asks
        return features(data, LAST_DAY, home, TRAINING, out, Wanted(), quietly)


# The file ------------------------------------------------------------------------------------------------------


def test_a_training_set_has_keys_labels_and_features(training):
    rows = pd.read_parquet(training.out)
    assert list(rows) == [*KEYS, *LABELS, *training.features]
    assert training.rows == len(rows) > 100
    assert set(rows["outcome"]) == {-1, 0, 1}
    assert (rows[list(training.features)].dtypes == "float32").all()
    assert rows["as_of"].max() <= pd.Timestamp(f"{LAST_DAY}T23:59:59.999Z")
    assert not set(training.absent) & set(training.features)
    assert (training.kind, training.parts, training.as_of) == (TRAINING, 1, millis(f"{LAST_DAY}T23:59:59.999"))


def test_the_fingerprint_is_that_of_the_rows_read_back(training):
    assert training.fingerprint == fingerprint(pd.read_parquet(training.out))


def test_the_file_says_of_itself_what_a_reader_should_know(training):
    kept = pq.read_metadata(training.out).metadata
    about = {k.decode().removeprefix("dealcast."): v.decode() for k, v in kept.items() if k.startswith(b"dealcast.")}
    assert about.keys() == {"set", "as_of", "until", "time", "vocabulary", "rows", "fingerprint"}
    assert (about["set"], about["rows"], about["fingerprint"]) == ("training", str(training.rows), training.fingerprint)
    assert about["as_of"] == f"{LAST_DAY}T23:59:59Z"
    assert about["until"][:10] == LAST_DAY
    assert json.loads(about["time"])["grid_days"] == 14
    assert vocabulary_from(json.loads(about["vocabulary"])).segments == ("type", "lead_source", "product", "region")


def test_a_scoring_set_is_the_same_in_both_formats_and_tells_nothing_of_what_came(data, home, tmp_path):
    steps = []
    written = [
        features(data, LAST_DAY, home, SCORING, tmp_path / "made" / f"set.{ending}", Wanted(), steps.append)
        for ending in ("parquet", "csv")
    ]
    assert len(steps) == 2 * pipeline.STEPS
    assert steps[-1] == "done"
    assert written[0].fingerprint == written[1].fingerprint
    parquet, csv = pd.read_parquet(written[0].out), pd.read_csv(written[1].out)
    assert list(parquet) == list(csv) == [*KEYS, *written[0].features]
    assert len(parquet) == len(csv) == written[0].rows == written[1].rows > 2
    assert csv["opportunity_id"].tolist() == parquet["opportunity_id"].tolist()
    assert set(csv["as_of"]) == {f"{LAST_DAY}T23:59:59Z"}
    assert csv["age_days"].tolist() == pytest.approx(parquet["age_days"].tolist())


@pytest.mark.parametrize(("kind", "as_of"), [(TRAINING, LAST_DAY), (SCORING, "2026-03-31T12:00:00Z")])
def test_part_by_part_within_a_budget_the_rows_are_the_same(data, home, tmp_path, monkeypatch, in_parts, kind, as_of):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    written = [
        features(data, as_of, home, kind, tmp_path / f"{number}.parquet", wanted, quietly)
        for number, wanted in enumerate((Wanted(), in_parts))
    ]
    assert [each.parts > 1 for each in written] == [False, True]
    assert written[0].fingerprint == written[1].fingerprint
    for name in ("rows", "features", "absent", "as_of", "notes"):
        assert getattr(written[0], name) == getattr(written[1], name)
    whole, parts = (pd.read_parquet(each.out) for each in written)
    assert whole.equals(parts)
    assert len(whole) > 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.parquet", "1.parquet"], "no part is left on disk"
    assert (
        pq.read_metadata(written[0].out).metadata[b"dealcast.until"]
        == (pq.read_metadata(written[1].out).metadata[b"dealcast.until"])
    )


@pytest.mark.parametrize("parts", [False, True])
def test_data_that_ended_long_ago_are_looked_at_as_of_their_last_day(data, home, monkeypatch, in_parts, parts):
    monkeypatch.setattr(time, "time", lambda: millis("2027-01-01") / 1000)
    with engines.opened(data, "now", load_config(home), in_parts if parts else Wanted()) as company:
        assert company.as_of == millis(f"{LAST_DAY}T23:59:59.999")
        assert company.last // DAY == company.as_of // DAY
        assert any(f"The data end on {LAST_DAY}" in note for note in company.notes)
        assert len(company.parts) > 1 or not parts


def test_what_cannot_be_had_is_named_with_the_reason(home, tmp_path):
    (tmp_path / "opportunities.csv").write_text(
        "opportunity_id,created_at,stage\nD1,2026-05-01T09:00:00Z,New\nD2,2026-05-03T09:00:00Z,New\n"
    )
    written = features(tmp_path, "2026-05-04", home, SCORING, tmp_path / "set.csv", Wanted(), quietly)
    assert written.rows == 2
    assert written.absent["touches_7d"] == "there are no activities"
    assert "age_days" in written.features
    assert list(pd.read_csv(tmp_path / "set.csv")) == [*KEYS, *written.features]


# The champion --------------------------------------------------------------------------------------------------


@pytest.fixture
def champion(monkeypatch):
    model = SimpleNamespace(names=("age_days", "touches_7d"), vocabulary=Vocabulary(kinds=("demo",)))
    monkeypatch.setattr(pipeline, "home_champion", lambda home, config: model)
    return model


def test_a_scoring_set_has_the_champions_features_in_its_words(data, home, tmp_path, champion):
    written = features(data, LAST_DAY, home, SCORING, tmp_path / "set.parquet", Wanted(), quietly)
    assert written.features == champion.names
    assert list(pd.read_parquet(written.out)) == [*KEYS, *champion.names]
    about = pq.read_metadata(written.out).metadata[b"dealcast.vocabulary"]
    assert vocabulary_from(json.loads(about)) == champion.vocabulary
    assert any("the champion's" in note for note in written.notes)


# What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [False, True])
def test_a_date_before_every_deal_is_refused_and_nothing_is_written(data, home, tmp_path, in_parts, parts):
    out = tmp_path / "set.parquet"
    out.write_bytes(b"old")
    with pytest.raises(DataRefused, match="no deal had been created by 2001-01-01") as refused:
        features(data, "2001-01-01", home, SCORING, out, in_parts if parts else Wanted(), quietly)
    assert refused.value.where == str(data)
    assert LAST_DAY in refused.value.expected
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_an_ending_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    steps = []
    with pytest.raises(WrongUse, match=r"\.csv or \.parquet"):
        features(tmp_path / "nowhere", "now", Home(tmp_path), TRAINING, tmp_path / "set.xlsx", Wanted(), steps.append)
    assert steps == []


def test_a_failure_halfway_leaves_the_old_file(data, home, tmp_path, monkeypatch):
    class Crash(Exception):
        pass

    def crash(self, table):
        raise Crash

    out = tmp_path / "set.parquet"
    out.write_bytes(b"old")
    monkeypatch.setattr("serving.sinks.files.TableWriter.write", crash)
    with pytest.raises(Crash):
        features(data, LAST_DAY, home, SCORING, out, Wanted(), quietly)
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


# How much memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1GiB", GIB),
        ("4GiB", 4 * GIB),
        ("1.5 GiB", 3 * GIB // 2),
        (" 2048MiB ", 2 * GIB),
        ("1024 MiB", GIB),
        ("1TiB", 1024 * GIB),
    ],
)
def test_an_amount_of_memory_is_read_with_its_unit(text, amount):
    assert memory_of(text) == amount


@pytest.mark.parametrize(
    "text", ["", "4", "4GB", "4G", "4gib", "GiB", "-4GiB", "+4GiB", "1,5GiB", ".5GiB", "1e1GiB", "4GiB!", "4 KiB"]
)
def test_what_is_no_amount_of_memory_is_wrong_use(text):
    with pytest.raises(WrongUse, match="no amount of memory") as refused:
        memory_of(text)
    assert refused.value.where == "--memory"
    assert "4GiB" in refused.value.expected


@pytest.mark.parametrize("text", ["0GiB", "1023MiB", "0.99GiB"])
def test_too_little_memory_is_wrong_use(text):
    with pytest.raises(WrongUse, match="too little") as refused:
        memory_of(text)
    assert refused.value.expected == "1GiB at least"


def test_the_more_memory_the_larger_the_parts_and_they_fit_it():
    budgets = [LEAST_MEMORY, 2 * GIB, 4 * GIB, 64 * GIB]
    rows = [rows_a_part(memory) for memory in budgets]
    assert sorted(set(rows)) == rows
    assert all(BASE_BYTES + count * BYTES_A_ROW <= memory for count, memory in zip(rows, budgets, strict=True))
    assert rows_a_part(1) == 10_000, "smaller parts would cost more than they save"
    assert rows_a_part(None) == engines.ROWS_A_PART_ON_SPARK


@pytest.mark.parametrize("wanted", [Wanted(memory=GIB), Wanted(memory=4 * GIB)])
def test_the_database_gets_its_share_of_the_memory_and_the_rest_is_left_for_a_part(
    data, home, tmp_path, monkeypatch, wanted
):
    asked = {}

    def staging(folder, into, rows, mapping, memory, now):
        asked.update(rows=rows, memory=memory)
        raise DataRefused("enough seen")

    monkeypatch.setattr(engines, "stage_folder", staging)
    with pytest.raises(DataRefused, match="enough seen"):
        features(data, LAST_DAY, home, SCORING, tmp_path / "set.parquet", wanted, quietly)
    assert asked["rows"] == rows_a_part(wanted.memory)
    assert 0 < asked["memory"] < wanted.memory
