"""`dealcast promote`, `rollback`, `models`: which version answers, why, and that MLflow agrees."""

import json
import re
import shutil
import socket
from pathlib import Path

import mlflow
import pytest

import pipelines.promote
from crm.errors import DealcastError
from pipelines.config import Home, caller, load_config
from serving.champions import How
from serving.store import Store
from tests.acceptance.test_model_files import flip_a_byte
from tests.acceptance.worlds import FAST, WEEK_BEFORE, copied, dealcast, new_home, simulated
from training import registry
from training.tracking import MODEL_NAME

FIRST, SECOND = "2026-04-17", "2026-05-22"
STRICT = FAST + "\n[gate]\nsuspicious_auc = 0.5\n"
"""A gate that no model passes."""
LENIENT = FAST + "\n[gate]\nworst_calibration_error = 0.5\nworst_segment_gap = 0.5\n"
"""A gate that asks of a model no more than to know something."""


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A company whose deals tell early how they will end, so that half a year less of it is enough."""
    return simulated(tmp_path_factory.mktemp("company") / "data", deals=1200, signal=4.0, seed=1)


@pytest.fixture(scope="module")
def versions(company, tmp_path_factory):
    """A home with versions 1 and 2, champions one after the other, and 3, which did not pass the gate."""
    home = new_home(tmp_path_factory.mktemp("versions") / "home")
    for as_of, configuration, code in ((FIRST, LENIENT, 0), (SECOND, LENIENT, 0), (WEEK_BEFORE, STRICT, 4)):
        (home / "dealcast.toml").write_text(configuration, encoding="utf-8")
        told = dealcast("train", "--data", company, "--home", home, "--as-of", as_of)
        assert told.code == code, told.out + told.err
    (home / "dealcast.toml").write_text(FAST, encoding="utf-8")
    return home


@pytest.fixture
def home(versions, tmp_path):
    """A home of one's own."""
    return copied(versions, tmp_path / "home")


def champion(home):
    return Store.under(home).champion()["version"]


def tracking(home):
    return load_config(Home(home)).tracking(Home(home))


def aliases(home):
    return dict(registry.aliases(tracking(home)))


def agree(home) -> bool:
    return aliases(home).get("champion") == champion(home)


def tags(home, version):
    client = mlflow.MlflowClient(tracking(home).uri, tracking(home).uri)
    return client.get_model_version(MODEL_NAME, version).tags


def words(text: str) -> str:
    return " ".join(text.split())


def test_what_passed_is_champion_and_what_did_not_is_challenger(home):
    assert (champion(home), aliases(home)) == ("2", {"champion": "2", "challenger": "3"})


def test_the_challenger_that_did_not_pass_the_gate_is_not_promoted(home):
    for given in ((), ("3",)):
        told = dealcast("promote", *given, "--home", home)
        assert told.code == 4
        assert "version 3 did not pass the gate; the champion stays" in told.err
        assert "✗ no leak: " in told.err
        assert "--force --reason" in told.err
    assert (champion(home), aliases(home)) == ("2", {"champion": "2", "challenger": "3"})


@pytest.mark.parametrize("given", [("--force",), ("--force", "--reason", "  "), ("3", "--force", "--reason", "")])
def test_force_needs_a_reason(home, given):
    told = dealcast("promote", *given, "--home", home)
    assert told.code == 2
    assert "no" in told.err
    assert champion(home) == "2"


def test_a_forced_promotion_is_recorded_with_who_when_why_from_and_to(home):
    told = dealcast("promote", "--force", "--reason", "the audit is wrong", "--home", home, "--json")
    assert told.code == 0, told.err
    said = json.loads(told.out)
    assert (said["champion"], said["from"], said["how"], said["mlflow_agrees"]) == ("3", "2", "forced", True)
    last = Store.under(home).promotions()[-1]
    assert (last.version, last.from_version, last.how) == ("3", "2", How.FORCED)
    assert (last.reason, last.promoted_by) == ("the audit is wrong", caller())
    assert aliases(home) == {"champion": "3"}
    assert (
        tags(home, "3").items()
        >= {
            "dealcast.promotion": "forced",
            "dealcast.promotion_reason": "the audit is wrong",
            "dealcast.promoted_by": caller(),
            "dealcast.promoted_from": "2",
            "dealcast.promoted_at": said["at"],
        }.items()
    )


def test_a_rollback_goes_back_step_by_step_and_says_where_it_ends(home):
    assert dealcast("promote", "--force", "--reason", "try", "--home", home).code == 0
    for back in ("2", "1"):
        told = dealcast("rollback", "--home", home, "--reason", "worse")
        assert told.code == 0, told.err
        assert f"Version {back} is champion now" in told.out
        assert champion(home) == back
        assert agree(home)
        assert tags(home, back)["dealcast.promotion"] == "rollback"
    told = dealcast("rollback", "--home", home)
    assert told.code == 2
    assert "version 1 is the first champion; there is none before it to go back to" in told.err
    assert champion(home) == "1"
    told = dealcast("promote", "2", "--home", home, "--reason", "after all")
    assert told.code == 0
    assert (champion(home), Store.under(home).promotions()[-1].how) == ("2", How.GATE)
    assert dealcast("rollback", "--home", home).code == 0
    assert champion(home) == "1"


def test_who_is_champion_already_is_not_promoted_again(home):
    before = Store.under(home).promotions()
    told = dealcast("promote", "2", "--home", home)
    assert (told.code, told.lines[0]) == (0, "Version 2 is champion already.")
    assert Store.under(home).promotions() == before


def test_scores_come_from_the_version_that_was_rolled_back_to(home, few_deals):
    assert dealcast("rollback", "--home", home).code == 0
    told = dealcast("score", "--data", few_deals, "--home", home, "--json")
    assert json.loads(told.out)["model_version"] == "1"


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_damaged_files_are_not_promoted(home, command):
    target = {"promote": "3", "rollback": "1"}[command]
    row = next(row for row in Store.under(home).models() if row["version"] == target)
    flip_a_byte(home / "models" / row["folder"] / "win.txt")
    given = ("--force", "--reason", "try") if command == "promote" else ()
    told = dealcast(command, *given, "--home", home)
    assert told.code == 1
    assert "are not those that were trained" in told.err
    assert (champion(home), aliases(home)["champion"]) == ("2", "2")


@pytest.mark.parametrize("command", [("promote",), ("promote", "1"), ("rollback",), ("models",)])
def test_a_home_in_which_nothing_was_trained_is_said_and_left_alone(command, tmp_path):
    told = dealcast(*command, "--home", tmp_path / "home")
    assert told.code == 2
    assert "no model has been trained here yet" in told.err
    assert not (tmp_path / "home").exists()


def test_a_version_that_is_not_there_is_said(home):
    told = dealcast("promote", "9", "--home", home)
    assert told.code == 2
    assert "there is no version '9'" in told.err
    assert "expected: one of 1, 2, 3" in told.err


# Kills, and MLflow away


class Killed(BaseException):
    """The process is gone: nothing after it runs, nothing catches it."""


CALLS = ("set_model_version_tag", "set_registered_model_alias", "delete_registered_model_alias")


def killed_at(monkeypatch, step: int, after: bool) -> None:
    """Kill the process at the so-manieth write to MLflow, before or after it is done."""
    count = 0
    for name in CALLS:
        real = getattr(mlflow.MlflowClient, name)

        def write(*given, real=real):
            nonlocal count
            count += 1
            if count == step and not after:
                raise Killed
            real(*given)
            if count == step:
                raise Killed

        monkeypatch.setattr(mlflow.MlflowClient, name, write)


NEXT = {
    "the same again": ("promote", "3", "--force", "--reason", "try"),
    "the list": ("models",),
    "a rollback": ("rollback",),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [1, 3, 5, 6, 7])
@pytest.mark.parametrize("then", NEXT)
def test_after_a_kill_at_any_write_the_next_command_has_both_agree(home, monkeypatch, step, after, then):
    with monkeypatch.context() as patch:
        killed_at(patch, step, after)
        with pytest.raises(Killed):
            dealcast("promote", "--force", "--reason", "try", "--home", home)
    assert champion(home) == "3", "the store is written first, in one transaction"
    assert dealcast(*NEXT[then], "--home", home).code == 0
    assert champion(home) == ("2" if then == "a rollback" else "3")
    assert agree(home)
    assert "challenger" not in aliases(home)
    assert tags(home, "3")["dealcast.promotion_reason"] == "try"


def test_a_kill_before_the_store_is_written_changes_nothing(home, monkeypatch):
    def killed(*given):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Store, "promote", killed)
        with pytest.raises(Killed):
            dealcast("rollback", "--home", home)
    assert (champion(home), aliases(home)["champion"]) == ("2", "2")
    assert dealcast("rollback", "--home", home).code == 0
    assert (champion(home), aliases(home)["champion"]) == ("1", "1")


@pytest.mark.slow
def test_a_training_that_is_killed_before_its_promotion_leaves_a_challenger_that_can_be_promoted(
    home, company, monkeypatch
):
    (home / "dealcast.toml").write_text(LENIENT, encoding="utf-8")

    def killed(*given):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Store, "promote", killed)
        with pytest.raises(Killed):
            dealcast("train", "--data", company, "--home", home, "--as-of", SECOND)
    assert (champion(home), aliases(home)["champion"]) == ("2", "2")
    told = dealcast("promote", "--home", home)
    assert told.code == 0, told.err
    assert (champion(home), aliases(home)) == ("4", {"champion": "4"})


def test_while_mlflow_is_down_a_rollback_works_and_the_next_command_catches_up(home, few_deals):
    configuration = (home / "dealcast.toml").read_text(encoding="utf-8")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        down = f'\n[mlflow]\ntracking_uri = "http://127.0.0.1:{nobody.getsockname()[1]}"\n'
        (home / "dealcast.toml").write_text(configuration + down, encoding="utf-8")
        told = dealcast("rollback", "--home", home)
        assert told.code == 0, told.err
        assert "Version 1 is champion now, after version 2" in told.out
        assert "MLflow's aliases could not be brought in line" in words(told.out)
        assert "The next `dealcast train`, `promote`, `rollback` or `models`" in words(told.out)
        scores = dealcast("score", "--data", few_deals, "--home", home, "--json")
        assert json.loads(scores.out)["model_version"] == "1"
        listed = dealcast("models", "--home", home, "--json")
        assert json.loads(listed.out)["mlflow_agrees"] is False
    (home / "dealcast.toml").write_text(configuration, encoding="utf-8")
    assert aliases(home)["champion"] == "2"
    listed = dealcast("models", "--home", home)
    assert "brought in line: champion: 2 → 1" in words(listed.out)
    assert (aliases(home)["champion"], tags(home, "1")["dealcast.promotion"]) == ("1", "rollback")


def test_an_alias_that_was_moved_by_hand_is_moved_back_and_that_is_said(home):
    client = mlflow.MlflowClient(tracking(home).uri, tracking(home).uri)
    client.set_registered_model_alias(MODEL_NAME, "champion", "3")
    told = dealcast("models", "--home", home)
    assert "champion: 3 → 2" in words(told.out)
    assert agree(home)


def test_two_at_once_one_is_told(home, monkeypatch):
    """Another rollback comes in after this one has decided where to go."""
    real = pipelines.promote.model_of

    def meanwhile(*given):
        monkeypatch.setattr(pipelines.promote, "model_of", real)
        assert dealcast("promote", "--force", "--reason", "faster", "--home", home).code == 0
        return real(*given)

    monkeypatch.setattr(pipelines.promote, "model_of", meanwhile)
    told = dealcast("rollback", "--home", home)
    assert told.code == 1
    assert "another command has changed the champion in the meantime" in told.err
    assert (champion(home), aliases(home)["champion"]) == ("3", "3")


# The list, and two side by side


def test_the_list_shows_every_version_and_why_it_was_promoted(home):
    told = dealcast("models", "--home", home)
    assert told.code == 0
    rows = [line.split() for line in told.lines[2:5]]
    assert [(row[0], row[2], row[6], row[7:]) for row in rows] == [
        ("3", WEEK_BEFORE, "failed", ["challenger"]),
        ("2", SECOND, "passed", ["champion"]),
        ("1", FIRST, "passed", []),
    ]
    assert re.search(rf"version 2 after 1 by {caller()} \(gate\): passed the gate", words(told.out))
    assert max(map(len, told.lines)) <= 80


def test_the_list_for_machines_has_what_the_list_for_people_has(home):
    said = json.loads(dealcast("models", "--home", home, "--json").out, parse_constant=pytest.fail)
    three, two, _ = said["versions"]
    assert (three["alias"], two["alias"], three["promoted"]) == ("challenger", "champion", None)
    assert two["promoted"]["from_version"] == "1"
    assert two["data"]["won"] > 0
    assert two["log_loss"]["win"]["model"]["value"] < two["log_loss"]["win"]["stage win rates"]["value"]
    assert [promotion["version"] for promotion in said["promotions"]] == ["1", "2"]


@pytest.fixture(scope="module")
def compared(versions, company):
    told = dealcast("models", "compare", "1", "champion", "--data", company, "--home", versions)
    assert told.code == 0, told.err
    return told


def test_two_versions_side_by_side_answer_the_same_later_deals(compared):
    text = words(compared.out)
    assert "Learned from different data (fingerprints differ)." in text
    assert re.search(rf"as_of {FIRST}T23:59:59Z {SECOND}T23:59:59Z", text)
    assert f"Both on the same later deals: snapshots after {SECOND}, which neither has learned from" in text
    assert re.search(r"won by now \(\d+ deals\) 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) 0\.\d{3}", text)
    assert "is better: it saves" in text or "No difference beyond chance" in text
    assert max(map(len, compared.lines)) <= 80


def test_two_versions_for_machines(versions, company):
    told = dealcast("models", "compare", "2", "1", "--data", company, "--home", versions, "--json")
    said = json.loads(told.out, parse_constant=pytest.fail)
    assert (said["first"]["version"], said["second"]["version"], said["same_data"]) == ("2", "1", False)
    assert {one["question"] for one in said["same_later_deals"]} == {"won in the end", "won by now"}
    for one in said["same_later_deals"]:
        assert one["saved"]["low"] <= one["saved"]["value"] <= one["saved"]["high"]
    assert set(said["parameters"]) == {"as_of"}


def test_options_hold_before_and_after_compare(versions):
    before = dealcast("models", "--home", versions, "--json", "compare", "1", "2")
    after = dealcast("models", "compare", "1", "2", "--home", versions, "--json")
    assert json.loads(before.out) == json.loads(after.out)
    assert json.loads(after.out)["why_not"] == "Give --data DIR to have both answer the same later deals."


def test_a_run_of_mlflow_names_its_version(versions):
    run = Store.under(versions).models()[0]["mlflow_run_id"]
    for name in (run, run[:8]):
        told = dealcast("models", "compare", name, "2", "--home", versions, "--json")
        assert json.loads(told.out)["first"]["version"] == "1"
    told = dealcast("models", "compare", run[:3], "2", "--home", versions)
    assert told.code == 2
    assert f"there is no version '{run[:3]}'" in told.err


def test_where_they_cannot_both_answer_it_says_why(home, company):
    compare = ("models", "compare", "1", "3", "--data", company, "--home", home)
    assert "one of the two has learned from them until 2026-08-07" in words(
        dealcast(*compare, "--as-of", "2026-08-07").out
    )
    assert "Fewer than 50 of the deals open since 2026-08-07 have closed." in words(dealcast(*compare).out)
    row = Store.under(home).models()[0]
    shutil.rmtree(home / "models" / row["folder"])
    told = dealcast(*compare)
    assert told.code == 0
    assert "The files of both models are needed here: the model's files are missing" in words(told.out)
    assert re.search(r"won in the end 0\.\d{3}", words(told.out)), "what the store remembers is compared all the same"


def test_a_foreign_version_in_mlflow_hides_nothing(home):
    """A version that someone registered beside Dealcast's is no version of this home, and stops no command."""
    client = mlflow.MlflowClient(tracking(home).uri, tracking(home).uri)
    client.create_model_version(MODEL_NAME, Path(home).as_uri())
    assert [one["version"] for one in json.loads(dealcast("models", "--home", home, "--json").out)["versions"]] == [
        "3",
        "2",
        "1",
    ]
    assert dealcast("rollback", "--home", home).code == 0
    assert agree(home)


def test_a_decision_of_the_store_is_an_error_that_a_user_can_understand(home):
    with pytest.raises(DealcastError):
        Store.under(home).promote("1", How.GATE, "late", "bob", ())
