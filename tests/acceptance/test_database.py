"""A company in PostgreSQL answers as its files do."""

import json

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
