"""`dealcast.toml`: what it may say, what is read of it, and what is refused with the nearest right word."""

import dataclasses
from datetime import date

import pytest

from crm.errors import WrongUse
from features.settings import TimeWishes
from pipelines.config import Config, Home, load_config
from serving.grades import Grades
from serving.trial.assignment import TrialWishes
from training.settings import BoostingSettings, RetrainWishes, Thresholds, TuningWishes


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def configured(home):
    """Reads a configuration of that text."""

    def read(text: str | bytes) -> Config:
        path = home.path / "dealcast.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_config(home)

    return read


def test_nothing_is_required(home, configured):
    assert load_config(home) == Config()
    assert load_config(Home(home.path / "nowhere")) == Config()
    assert configured("") == Config()


def test_the_defaults():
    config = Config()
    assert config.time == TimeWishes(None, None, None, None, 1)
    assert (config.grades.a, config.grades.b, config.grades.c) == (60, 35, 15)
    assert (config.gate.least_closed, config.gate.least_each) == (200, 40)
    assert config.zone == "UTC"
    assert config.store_url is None
    assert config.tracking_uri is None


def test_without_a_server_runs_are_kept_under_the_home(home):
    tracking = Config().tracking(home)
    assert tracking.uri == f"sqlite:///{home.path.resolve()}/mlflow.db"
    assert tracking.artifacts == home.path / "mlartifacts"


def test_a_server_keeps_its_own_artifacts(home, configured):
    tracking = configured('[mlflow]\ntracking_uri = "http://127.0.0.1:5000"\n').tracking(home)
    assert (tracking.uri, tracking.artifacts) == ("http://127.0.0.1:5000", None)


def test_every_section_is_read(configured):
    config = configured(
        """
        [data]
        time_zone = "Europe/Berlin"
        fixed = ["type"]
        [tables.opportunities]
        file = "deals.csv"
        [fields]
        Rival__c = "category"
        [activities]
        kinds = ["offer:sent"]
        [time]
        grid_days = 2
        horizon_days = 14
        stall_days = 21
        period = "month"
        year_starts_in = 4
        weeks = "4-4-5"
        week_starts_on = "sunday"
        [gate]
        least_closed = 300
        worst_slope = 0.5
        [training]
        learning_rate = 0.2
        num_leaves = 7
        seed = 0
        [retrain]
        max_age_days = 14
        [grades]
        a = 80
        [trial]
        share = 0.2
        seed = "pilot"
        until = 2026-12-31
        unit = "account"
        [mlflow]
        tracking_uri = "sqlite:///x.db"
        [store]
        url = "sqlite:////srv/store.db"
        [sinks.sheet]
        kind = "file"
        path = "scores.csv"
        """
    )
    assert config.zone == "Europe/Berlin"
    assert config.source.fixed == {"type"}
    assert config.source.tables["opportunities"].file == "deals.csv"
    assert [column.name for column in config.source.wishes.columns] == ["Rival__c"]
    assert config.source.wishes.activity_kinds == ("offer:sent",)
    assert config.time == TimeWishes(2, 14, 21, "month", 4, "4-4-5", "sunday")
    assert config.gate == Thresholds(least_closed=300, worst_slope=0.5)
    assert config.boosting == BoostingSettings(learning_rate=0.2, num_leaves=7, seed=0)
    assert config.retrain == RetrainWishes(max_age_days=14)
    assert config.grades == Grades(a=80)
    assert config.trial == TrialWishes(0.2, "pilot", date(2026, 12, 31), "account")
    assert config.tracking_uri == "sqlite:///x.db"
    assert config.store_url == "sqlite:////srv/store.db"
    assert config.sinks == {"sheet": {"kind": "file", "path": "scores.csv"}}


SECTIONS = {
    "time": TimeWishes,
    "gate": Thresholds,
    "training": BoostingSettings,
    "tuning": TuningWishes,
    "retrain": RetrainWishes,
    "grades": Grades,
    "trial": TrialWishes,
}
KEYS = [(section, field) for section, kind in SECTIONS.items() for field in dataclasses.fields(kind)]


@pytest.mark.parametrize(("section", "field"), KEYS, ids=[f"{section}-{field.name}" for section, field in KEYS])
def test_every_key_is_read_and_held_to_its_type(configured, section, field):
    attribute = {"training": "boosting"}.get(section, section)
    right, *wrong = {
        "int": ("61", '"61"', "61.5", "true", "[61]", "-1"),
        "float": ("0.7", '"0.7"', "false", "-0.1", "nan"),
        "str": ('"week"', "3", "true", '["week"]'),
        "date": ("2026-12-31", '"2026-12-31"', "2026-12-31T10:00:00", "20261231", "true"),
    }[str(field.type).removesuffix(" | None")]
    right = {"year_starts_in": "12", "weeks": '"5-4-4"', "week_starts_on": '"sunday"', "unit": '"owner"'}.get(
        field.name, right
    )
    if section == "grades":
        right = {"a": "61", "b": "36", "c": "16"}[field.name]
    config = configured(f"[{section}]\n{field.name} = {right}\n")
    assert str(getattr(getattr(config, attribute), field.name)) == right.strip('"')
    for value in wrong:
        with pytest.raises(WrongUse, match=rf"\[{section}\] {field.name}: .* does not fit"):
            configured(f"[{section}]\n{field.name} = {value}\n")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[tiem]\ngrid_days = 7", "write 'time'"),
        ("[grade]\na = 7", "write 'grades'"),
        ("[field]\nrival = 'text'", "write 'fields'"),
        ("[activity]\nkinds = []", "write 'activities'"),
        ("[mlfow]", "write 'mlflow'"),
        ("[time]\ngrid_day = 7", "write 'grid_days'"),
        ("[time]\nstal_days = 7", "write 'stall_days'"),
        ("[gate]\nleast_close = 7", "write 'least_closed'"),
        ("[training]\nleaves = 7", "write 'num_leaves'"),
        ("[retrain]\nmax_age = 7", "write 'max_age_days'"),
        ("[grades]\nA = 7", "use one of a, b, c"),
        ("[store]\nuri = 'x'", "write 'url'"),
        ("[mlflow]\nuri = 'x'", "use one of tracking_uri"),
        ("[data]\ntimezone = 'UTC'", "write 'time_zone'"),
        ("[tables.oportunities]\nfile = 'x'", "write 'opportunities'"),
        (
            "zzz = 1",
            "use one of data, tables, fields, activities, time, gate, training, tuning, retrain, grades, display, "
            "mlflow, store, spark, trial, sinks, nightly, channels, digest, serve",
        ),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest_known_one(configured, text, remedy):
    with pytest.raises(WrongUse) as refused:
        configured(text)
    assert refused.value.remedy == remedy


@pytest.mark.parametrize("text", ["time = 5", 'grades = "A"', "[[gate]]\nleast_closed = 1", "store = 1", "mlflow = []"])
def test_a_section_that_is_none_is_refused(configured, text):
    with pytest.raises(WrongUse, match="is not a section"):
        configured(text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[time]\nperiod = "fortnight"', "[time] period"),
        ("[time]\nyear_starts_in = 13", "[time] year_starts_in"),
        ('[time]\nweeks = "4-4-4"', "[time] weeks"),
        ('[time]\nweek_starts_on = "Mon"', "[time] week_starts_on"),
        ("[time]\ngrid_days = 0", "[time] grid_days"),
        ("[training]\nlearning_rate = 0", "[training] learning_rate"),
        ("[grades]\na = 10\nb = 20", "[grades]"),
        ("[grades]\nc = 35", "[grades]"),
        ("[trial]\nshare = 1.0", "[trial] share"),
        ('[trial]\nunit = "team"', "[trial] unit"),
        ("[store]\nurl = 5", "[store] url"),
        ("[mlflow]\ntracking_uri = true", "[mlflow] tracking_uri"),
        ('[data]\ntime_zone = "Mars/Base"', "[data] time_zone"),
        ("[data]\nfixed = 5", "[data] fixed"),
    ],
)
def test_a_value_that_means_nothing_is_refused_where_it_stands(configured, text, where):
    with pytest.raises(WrongUse) as refused:
        configured(text)
    assert where in refused.value.where


@pytest.mark.parametrize("text", ["[time", "[time]\n[time]", b"[data]\n# B\xfcro", b"\x00"])
def test_what_is_no_toml_is_refused_with_the_file(configured, home, text):
    with pytest.raises(WrongUse, match="not readable as TOML") as refused:
        configured(text)
    assert refused.value.where == str(home.path / "dealcast.toml")


def test_it_is_known_which_settings_of_training_were_given(configured):
    assert configured("[training]\nlambda_l2 = 10.0\nseed = 3").boosting_given == {"lambda_l2", "seed"}
    assert configured("[gate]\nworst_slope = 0.5").boosting_given == frozenset()


def test_zero_is_a_number_where_it_means_something(configured):
    assert configured("[training]\nlambda_l2 = 0").boosting.lambda_l2 == 0
    assert configured("[gate]\nworst_calibration_error = 0").gate.worst_calibration_error == 0
    assert configured("[grades]\nc = 0").grades.c == 0
    assert not configured("[trial]\nshare = 0").trial.is_on
