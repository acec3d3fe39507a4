"""`dealcast sync`, and --data URL: a remote source is mirrored under the home and read as a folder."""

import json
from argparse import Namespace

import pyarrow.parquet as pq
import pytest

from crm.errors import DealcastError, WrongUse
from crm.simulator import SimulatorSettings, simulate
from crm.sources.mirror.manifest import Manifest, write_manifest
from pipelines.cli import main
from pipelines.config import Home, secret
from pipelines.options import data_of, place
from pipelines.sync import folder_of
from tests.vendors.salesforce.certificate import write_certificate
from tests.vendors.salesforce.filling import empty_company, fill
from tests.vendors.salesforce.login import CLIENT_ID, CLIENT_SECRET
from tests.vendors.salesforce.server import Server, running


@pytest.fixture
def salesforce(tmp_path, monkeypatch):
    company = empty_company()
    fill(company, simulate(SimulatorSettings(deals=30, seed=5)).tables)
    (tmp_path / "secret").write_text(f"{CLIENT_SECRET}\n")
    monkeypatch.setenv("DEALCAST_SALESFORCE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("DEALCAST_SALESFORCE_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    with running(Server(company), write_certificate(tmp_path)) as server:
        server.address = f"salesforce://{server.host}"
        yield server


def said(capsys, *words):
    """Exit code, standard output, standard error of a command."""
    code = main(words)
    return (code, *capsys.readouterr())


def test_a_source_is_synced_then_read_with_and_without_asking_it(salesforce, tmp_path, capsys):
    home = ("--home", str(tmp_path / "home"))
    code, out, err = said(capsys, "sync", "--data", salesforce.address, *home)
    assert code == 0, err
    assert f"Synced with {salesforce.address}." in out
    deals = len(salesforce.company.tables["Opportunity"].rows)
    assert f"Opportunity{deals:>35,}" in out
    assert all(len(line) <= 80 for line in out.splitlines() if "/" not in line)
    first = next(iter(salesforce.company.tables["Opportunity"].rows))
    salesforce.company.delete("Opportunity", first)
    code, out, err = said(capsys, "check", "--data", salesforce.address, *home, "--json")
    assert code == 0, err
    assert json.loads(out)["deals"] == deals - 1
    salesforce.requests.clear()
    mirror = tmp_path / "home" / "mirror" / "salesforce"
    left = data_of(Namespace(data=place(str(mirror)), home=tmp_path / "home"))
    assert (left.parent, len(pq.read_table(left / "Opportunity.parquet"))) == (mirror, deals - 1)
    assert not salesforce.requests
    shown = out + err + "".join(path.read_text() for path in (tmp_path / "home").rglob("*.json"))
    assert CLIENT_SECRET not in shown


def test_a_machine_is_told_what_came(salesforce, tmp_path, capsys):
    words = ("sync", "--data", salesforce.address, "--home", str(tmp_path / "home"), "--json")
    assert said(capsys, *words)[0] == 0
    first = next(iter(salesforce.company.tables["Opportunity"].rows))
    salesforce.company.update("Opportunity", first, {"NextStep": "call them"}, "005x")
    facts = json.loads(said(capsys, *words)[1])
    deals = facts["tables"]["Opportunity"]
    assert facts["source"] == salesforce.address
    assert (deals["new"], deals["changed"], deals["gone"], deals["gone_ever"]) == (0, 1, 0, 0)
    assert facts["tables"]["OpportunityFieldHistory"]["new"] == 1


def test_what_shrank_is_refused_with_the_words_that_confirm_it(salesforce, tmp_path, capsys):
    words = ("sync", "--data", salesforce.address, "--home", str(tmp_path / "home"))
    assert said(capsys, *words)[0] == 0
    rows = salesforce.company.tables["Opportunity"].rows
    for deal in list(rows)[: len(rows) // 2]:
        salesforce.company.delete("Opportunity", deal)
    code, _, err = said(capsys, *words)
    assert code == 3
    assert "dealcast sync --confirm Opportunity" in err
    shrunk = ("Opportunity", "OpportunityFieldHistory", "Task", "OpportunityContactRole")
    code, out, err = said(capsys, *words, *(word for name in shrunk for word in ("--confirm", name)))
    assert code == 0, err
    assert "Gone: deleted or merged at the source" in out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("sync", "--data", "somewhere"), 2, "is no address"),
        (("sync", "--data", "salesforce://x:y@z"), 2, "holds a name or a password"),
        (("check", "--data", "salesforce://127.0.0.1:9"), 2, "is not complete: nothing is given"),
    ],
)
def test_what_is_off_is_said(tmp_path, capsys, words, code, told):
    found, _, err = said(capsys, *words, "--home", str(tmp_path))
    assert (found, told in err) == (code, True)


def test_the_folder_of_what_is_named_as_it_was_left(tmp_path):
    home, export = Home(tmp_path / "home"), tmp_path / "export"
    export.mkdir()
    assert folder_of(export, home) == export
    (export / "manifest.json").write_text('{"name": "of another program"}')
    assert folder_of(export, home) == export
    mirrored = home.mirrors / "hubspot"
    with pytest.raises(DealcastError, match="the mirror is gone"):
        folder_of("hubspot://", home)
    mirrored.mkdir(parents=True)
    write_manifest(mirrored, Manifest("hubspot://", "000007"))
    assert folder_of("hubspot://", home) == folder_of(mirrored, home) == mirrored / "000007"


def test_a_secret_comes_from_the_environment_or_a_file_and_not_from_both(tmp_path, monkeypatch):
    assert secret("SALESFORCE_CLIENT_ID") is None
    monkeypatch.setenv("DEALCAST_SALESFORCE_CLIENT_ID_FILE", str(tmp_path / "none"))
    with pytest.raises(WrongUse, match="cannot be read"):
        secret("SALESFORCE_CLIENT_ID")
    monkeypatch.setenv("DEALCAST_SALESFORCE_CLIENT_ID", "x")
    with pytest.raises(WrongUse, match="given twice"):
        secret("SALESFORCE_CLIENT_ID")
