"""A company in PostgreSQL answers as its files do."""

import json
import tomllib

import pandas as pd
import sqlalchemy as sa

from tests.acceptance.worlds import dealcast


def test_check_says_of_a_database_what_it_says_of_the_folder(few_deals, postgres_url, tmp_path):
    engine = sa.create_engine(postgres_url)
    for path in sorted(few_deals.glob("*.csv")):
        pd.read_csv(path, dtype=str).to_sql(path.stem, engine, index=False, chunksize=5_000, method="multi")
    engine.dispose()
    asked = ("check", "--as-of", "2025-01-01", "--json", "--home")
    of_folder = dealcast(*asked, tmp_path / "one", "--data", few_deals)
    of_database = dealcast(*asked, tmp_path / "two", "--data", postgres_url)
    assert (of_folder.code, of_database.code) == (0, 0), of_database.err
    assert json.loads(of_database.out) == json.loads(of_folder.out)
    (manifest,) = (tmp_path / "two" / "mirror").glob("sql/manifest.json")
    assert json.loads(manifest.read_text())["source"] == postgres_url.replace(":@", "@")


def test_tables_of_unknown_names_are_drafted_and_then_read(tmp_path):
    url = f"sqlite:///{tmp_path}/crm.sqlite"
    deals = [
        {
            "nr": f"D{i:03}",
            "phase": ("Talk", "Won", "Lost")[i % 3],
            "created_on": f"2024-{1 + i % 12:02}-03 09:00:00",
            "closed_on": f"2025-{1 + i % 12:02}-03 09:00:00" if i % 3 else None,
            "value": i * 10.5,
        }
        for i in range(60)
    ]
    log = [{"deal": f"D{i:03}", "timestamp": "2024-12-24 10:00:00", "type": "call"} for i in range(60)]
    for table, rows in (("crm_deals", deals), ("crm_log", log), ("payroll", log)):
        pd.DataFrame(rows).to_sql(table, url, index=False)
    refused = dealcast("init", "--data", url, "--home", tmp_path / "home")
    assert refused.code == 3
    assert "crm_deals, crm_log, payroll" in refused.err
    assert "?tables=NAME,NAME" in " ".join(refused.err.split())
    told = dealcast("init", "--data", f"{url}?tables=crm_deals,crm_log", "--home", tmp_path / "home")
    assert told.code == 0, told.err
    declared = tomllib.loads((tmp_path / "home" / "dealcast.toml").read_text())
    assert {table: entry["file"] for table, entry in declared["tables"].items()} == {
        "opportunities": "crm_deals",
        "activities": "crm_log",
    }
    checked = dealcast("check", "--data", url, "--home", tmp_path / "home", "--json")
    assert checked.code == 0, checked.err
    found = json.loads(checked.out)
    assert (found["rows_in"], found["deals"], found["won"]) == (120, 60, 20)
