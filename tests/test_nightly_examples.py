"""The example files of docs/nightly/ do what they say: real options, real secrets, and the exit codes as documented."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from crm.errors import DATA_REFUSED, DONE, FAILED, GATE_NOT_PASSED, WRONG_USE, DealcastError, WrongUse
from crm.patience import Patience
from crm.salesforce.entry import door, enter
from pipelines.cli import parser_of

EXAMPLES = Path(__file__).parent.parent / "docs" / "nightly"
PROGRAM = "/opt/dealcast/.venv/bin/dealcast"
CRON, SERVICE, TIMER, CRONJOB = (
    (EXAMPLES / name).read_text(encoding="utf-8")
    for name in ("dealcast.cron", "dealcast-nightly.service", "dealcast-nightly.timer", "cronjob.yaml")
)


@dataclass(frozen=True)
class Example:
    """What one of the ways to run it unattended starts, and in which surroundings."""

    words: list[str]
    surroundings: dict[str, str]


def of_cron() -> Example:
    lines = [line for line in CRON.splitlines() if line and not line.startswith("#")]
    return Example(shlex.split(lines.pop())[7:], dict(line.split("=", 1) for line in lines))


def of_systemd() -> Example:
    surroundings = dict(re.findall(r"^Environment=(\w+)=(.+)$", SERVICE, re.MULTILINE))
    return Example(shlex.split(unit(SERVICE)["Service"]["ExecStart"])[1:], surroundings)


def of_kubernetes() -> Example:
    words = shlex.split(container()["args"][0].split(";")[0])
    return Example(words[1:], {one["name"]: one["value"] for one in container()["env"]})


EACH = pytest.mark.parametrize("example", [of_cron, of_systemd, of_kubernetes])


def unit(text: str) -> ConfigParser:
    """A file of systemd's; of a key that stands several times the last."""
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(text)
    return parser


def job() -> dict[str, Any]:
    return yaml.safe_load(CRONJOB)


def pod() -> dict[str, Any]:
    return job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def container() -> dict[str, Any]:
    (one,) = pod()["containers"]
    return one


@EACH
def test_it_starts_a_night_with_options_that_the_command_has(example):
    command, *given = example().words
    assert command == "nightly"
    options = parser_of(command).parse_args(given)
    assert (options.data, options.home) == ("salesforce://example.my.salesforce.com", Path("/srv/dealcast"))


def test_an_option_that_the_command_has_not_is_found(capsys):
    with pytest.raises(SystemExit):
        parser_of("nightly").parse_args(["--data", "sales", "--tune"])
    assert "--tune" in capsys.readouterr().err


@EACH
def test_what_it_gives_is_all_that_it_takes_to_be_let_in(example):
    given = {
        name.removeprefix("DEALCAST_").removesuffix("_FILE"): value
        for name, value in example().surroundings.items()
        if name.startswith("DEALCAST_")
    }
    with pytest.raises(DealcastError, match="there is no answer"):
        knock(given)
    for name in given:
        with pytest.raises(WrongUse, match="is not complete"):
            knock({key: value for key, value in given.items() if key != name})


def knock(given: Mapping[str, str]) -> None:
    """At a door behind which there is nobody."""
    enter(door("salesforce://127.0.0.1:9", given.get), Patience(budget=0.0))


def test_the_line_of_cron_is_one():
    *_, line = CRON.splitlines()
    *times, user, program = line.split()[:7]
    for time, (least, most) in zip(times, ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)), strict=True):
        assert time == "*" or least <= int(time) <= most
    assert (user, program) == ("dealcast", PROGRAM)
    assert "%" not in line, "cron would end the line there"
    assert CRON.endswith("\n"), "cron does not read a last line that is not ended"


def test_systemd_takes_the_exit_codes_for_what_they_are():
    service = unit(SERVICE)["Service"]
    assert shlex.split(service["ExecStart"])[0] == PROGRAM
    assert service["SuccessExitStatus"].split() == [str(GATE_NOT_PASSED)]
    assert set(service["RestartPreventExitStatus"].split()) == {str(WRONG_USE), str(DATA_REFUSED)}
    assert (service["Type"], service["Restart"]) == ("oneshot", "on-failure")
    assert service["ReadWritePaths"] == parser_of("nightly").parse_args(of_systemd().words[1:]).home.as_posix()
    credential = service["LoadCredential"].split(":")[0]
    assert of_systemd().surroundings["DEALCAST_SALESFORCE_CLIENT_SECRET_FILE"] == f"%d/{credential}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, ""),
        ({"RestartSec=15min": "RestartSec=a while"}, "Failed to parse sec value"),
        ({"NoNewPrivileges": "NoNewPrivilege"}, "Unknown key 'NoNewPrivilege'"),
        ({"01:30:00": "01:70:00"}, "Failed to parse calendar specification"),
    ],
)
def test_systemd_has_nothing_to_say_of_the_units(tmp_path, change, complaint):
    said = verified(tmp_path, {PROGRAM: shutil.which("true"), **change})
    assert complaint in said
    assert bool(said) == bool(complaint)


def verified(folder: Path, change: Mapping[str, str]) -> str:
    """What systemd's own check says of both units, with something changed in them."""
    units = []
    for name, text in (("dealcast-nightly.service", SERVICE), ("dealcast-nightly.timer", TIMER)):
        changed = text
        for old, new in change.items():
            changed = changed.replace(old, new)
        units.append(folder / name)
        units[-1].write_text(changed, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or said
    return said


def test_kubernetes_runs_one_at_a_time_in_the_volume_that_holds_the_home():
    spec = job()["spec"]
    assert (job()["apiVersion"], job()["kind"]) == ("batch/v1", "CronJob")
    assert (spec["schedule"].split(), spec["concurrencyPolicy"]) == (CRON.splitlines()[-1].split()[:5], "Forbid")
    mounts = {one["mountPath"]: one["name"] for one in container()["volumeMounts"]}
    volumes = {one["name"]: one for one in pod()["volumes"]}
    assert set(mounts.values()) == set(volumes)
    home = parser_of("nightly").parse_args(of_kubernetes().words[1:]).home
    assert "persistentVolumeClaim" in volumes[mounts[home.as_posix()]]
    secret = Path(of_kubernetes().surroundings["DEALCAST_SALESFORCE_CLIENT_SECRET_FILE"])
    assert "secret" in volumes[mounts[secret.parent.as_posix()]]


def test_kubernetes_tries_again_what_failed_and_nothing_else():
    (rule,) = job()["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob"
    codes = {"containerName": container()["name"], "operator": "In", "values": [WRONG_USE, DATA_REFUSED]}
    assert rule["onExitCodes"] == codes
    assert pod()["restartPolicy"] == "Never", "Kubernetes has a podFailurePolicy with no other"


@pytest.mark.parametrize("code", [DONE, FAILED, WRONG_USE, DATA_REFUSED, GATE_NOT_PASSED])
def test_the_pods_shell_ends_with_the_nights_code_but_the_gates(tmp_path, code):
    program = tmp_path / "dealcast"
    program.write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
    program.chmod(0o755)
    done = subprocess.run(
        [*container()["command"], *container()["args"]],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == of_kubernetes().words
    assert done.returncode == (DONE if code == GATE_NOT_PASSED else code)
