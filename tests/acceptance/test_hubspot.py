"""From a HubSpot account to a company that is read, by the command line alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm.simulator import SimulatorSettings, simulate
from pipelines.cli import main
from tests.vendors.hubspot.company import TOKEN, Account, the_account_of
from tests.vendors.hubspot.server import running


@pytest.fixture(scope="module")
def office() -> Iterator[Account]:
    account = the_account_of(simulate(SimulatorSettings(deals=30, seed=5)).tables)
    account.hubspot.limits.ten_seconds = account.hubspot.limits.search_second = 100_000
    with running(account.hubspot):
        yield account


def test_an_account_is_synced_and_checked(
    office: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = office.hubspot.url.replace("http://", "hubspot://")
    assert main(["sync", "--data", url, "--home", str(tmp_path)]) == 2
    assert "DEALCAST_HUBSPOT_TOKEN" in capsys.readouterr().err
    secret = tmp_path / "token"
    secret.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("DEALCAST_HUBSPOT_TOKEN_FILE", str(secret))
    assert main(["check", "--data", url, "--home", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr()
    read = json.loads(said.out)
    assert (read["deals"], read["set_aside"]) == (30, 0)
    assert read["rows_in"] == read["accepted"] > 1_500
    assert read["won"] + read["lost"] + read["open"] == 30
    assert TOKEN not in said.out + said.err
    assert not any(TOKEN in path.read_text(errors="replace") for path in (tmp_path / "mirror").rglob("*.json"))


def test_the_properties_to_create_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dealcast.toml").write_text('[sinks.crm]\nkind = "hubspot"\n')
    assert main(["writeback", "--sink", "crm", "--fields", "--home", str(tmp_path)]) == 0
    calls = json.loads(capsys.readouterr().out)
    inputs = calls["POST /crm/v3/properties/deals/batch/create"]["inputs"]
    assert all(one["name"].startswith("dealcast_") and one["groupName"] == "dealcast" for one in inputs)
