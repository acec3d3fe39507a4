"""`dealcast init` drafts a configuration that loads, fits the data, and says what it does not know."""

import tomllib

import pandas as pd
import pytest

from tests.acceptance.worlds import dealcast, everything_in, simulated


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A small company as `dealcast demo` simulates it, and its draft."""
    base = tmp_path_factory.mktemp("init")
    data = simulated(base / "data", deals=200)
    told = dealcast("init", "--data", data, "--home", base / "home")
    assert told.code == 0, told.err
    return data, base / "home", told


def declared(home):
    return tomllib.loads((home / "dealcast.toml").read_text(encoding="utf-8"))


def checked(data, home):
    told = dealcast("check", "--data", data, "--home", home)
    assert told.code == 0, told.err
    return told


def test_the_demo_companys_draft_is_right(demo):
    data, home, told = demo
    assert declared(home) == {
        "data": {"fixed": ["type", "lead_source", "product", "region"]},
        "time": {"grid_days": 7, "horizon_days": 90, "stall_days": 30, "period": "quarter"},
        "activities": {},
    }
    text = (home / "dealcast.toml").read_text(encoding="utf-8")
    assert "# Shape: native." in text
    assert "Closed Won                       won" in text
    assert "quarters begin in January, April, July, October; nothing tells which of them begins the year" in (
        text.replace("\n# ", " ")
    )
    assert "Confirm:" in told.out
    assert f"dealcast check --data {data} --home {home}" in told.out
    checked(data, home)


def test_a_configuration_that_is_there_is_never_overwritten_unasked(demo, tmp_path):
    data, _, _ = demo
    (tmp_path / "dealcast.toml").write_text("[data]\n", encoding="utf-8")
    before = everything_in(tmp_path)
    told = dealcast("init", "--data", data, "--home", tmp_path)
    assert (told.code, everything_in(tmp_path)) == (2, before)
    assert "--force" in told.err
    printed = dealcast("init", "--data", data, "--home", tmp_path, "--print")
    assert (printed.code, everything_in(tmp_path)) == (0, before)
    assert tomllib.loads(printed.out)["time"]["grid_days"] == 7
    assert dealcast("init", "--data", data, "--home", tmp_path, "--force").code == 0
    assert declared(tmp_path) == tomllib.loads(printed.out)


def test_it_fits_a_terminal_and_a_page(demo):
    _, home, told = demo
    assert max(len(line) for line in told.lines if "dealcast check" not in line) <= 80
    text = (home / "dealcast.toml").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines() if line.startswith("# ")) <= 100


def test_files_of_other_names_and_odd_values_are_mapped_and_quoted(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = [
        {
            "Deal #": f"D{i}",
            'Stage "now"': ("Talk", "Won", "Lost")[i % 3],
            "Created On": f"{1 + i % 28:02}/{1 + i % 12:02}/2024",
            "Closed On": f"{1 + i % 28:02}/{1 + i % 12:02}/2025" if i % 3 else "",
            "Seats\ncount": i % 9,
            "Birth Country": ("DE", "FR")[i % 2],
        }
        for i in range(90)
    ]
    pd.DataFrame(rows).rename(columns={"Deal #": "Deal Nr"}).to_csv(data / "our deals.csv", index=False)
    told = dealcast("init", "--data", data, "--home", tmp_path / "home")
    assert told.code == 0, told.err
    toml = declared(tmp_path / "home")
    assert toml["tables"]["opportunities"]["file"] == "our deals.csv"
    assert toml["data"]["date_format"] == "%d/%m/%Y"
    columns = toml["tables"]["opportunities"]["columns"]
    assert columns == {
        "opportunity_id": "Deal Nr",
        "stage": 'Stage "now"',
        "created_at": "Created On",
        "closed_at": "Closed On",
    }
    text = (tmp_path / "home" / "dealcast.toml").read_text(encoding="utf-8")
    assert "'birth'" in text
    assert "Birth Country" not in toml.get("fields", {})
    checked(data, tmp_path / "home")


def test_what_only_people_can_tell_is_left_to_them(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "opportunities.csv").write_text(
        "opportunity_id,created_at,stage\n" + "".join(f"D{i},0{1 + i % 9}/02/2024,New\n" for i in range(9)),
        encoding="utf-8",
    )
    told = dealcast("init", "--data", data, "--home", tmp_path)
    assert told.code == 0
    assert "date_format: only you can tell" in told.out
    text = (tmp_path / "dealcast.toml").read_text(encoding="utf-8")
    assert dealcast("check", "--data", data, "--home", tmp_path).code == 3
    chosen = text.replace('# date_format = "%d/%m/%Y"', 'date_format = "%d/%m/%Y"')
    (tmp_path / "dealcast.toml").write_text(chosen, encoding="utf-8")
    checked(data, tmp_path)


def test_a_folder_without_deals_is_refused(tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    told = dealcast("init", "--data", tmp_path, "--home", tmp_path / "home")
    assert told.code == 3
    assert "notes.csv" in told.err
    assert not (tmp_path / "home").exists()


# --- real data ---------------------------------------------------------------------------------------------------


def test_maven_is_mapped(real_data, tmp_path):
    assert dealcast("init", "--data", real_data / "maven", "--home", tmp_path).code == 0
    toml = declared(tmp_path)
    assert toml["data"] == {"time_zone": "UTC", "fixed": ["product"]}
    assert toml["tables"]["opportunities"] == {
        "file": "sales_pipeline.csv",
        "columns": {
            "created_at": "engage_date",
            "stage": "deal_stage",
            "amount": "close_value",
            "account_id": "account",
            "owner_id": "sales_agent",
            "closed_at": "close_date",
        },
        "values": {"product": {"GTXPro": "GTX Pro"}},
    }
    assert toml["tables"]["accounts"]["columns"]["country"] == "office_location"
    assert toml["tables"]["users"]["columns"]["manager_id"] == "manager"
    told = checked(real_data / "maven", tmp_path)
    assert "Deals: 8,300, of which 4,238 won, 2,473 lost, 1,589 open." in told.out


def test_loan_offers_needs_no_mapping(real_data, tmp_path):
    assert dealcast("init", "--data", real_data / "loan_offers", "--home", tmp_path).code == 0
    toml = declared(tmp_path)
    assert toml["time"] == {"grid_days": 2, "horizon_days": 14, "stall_days": 14, "period": "month"}
    assert "tables" not in toml
    assert "fixed" not in toml["data"], "an amount that never changed may be one that nobody tracked"
    checked(real_data / "loan_offers", tmp_path)


@pytest.mark.parametrize("shape", ["salesforce warehouse", "hubspot"])
def test_fivetrans_samples_are_recognised_and_what_hinders_reading_is_said(real_data, tmp_path, shape):
    folder = real_data / "crm_shapes" / f"fivetran_{shape.split()[0]}"
    told = dealcast("init", "--data", folder, "--home", tmp_path)
    assert told.code == 0
    assert f"Shape: {shape};" in told.out
    assert "The tables cannot be read yet" in told.out, "every deal of the samples is deleted, or has no stage"
    assert declared(tmp_path) == {"data": {}}
