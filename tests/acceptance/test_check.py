"""`dealcast check`: reads everything, says what it found, writes nothing."""

import json
import re

import pandas as pd
import pytest
import sqlalchemy as sa

from tests.acceptance.worlds import FAST, copied, dealcast, everything_in, new_home, program, text_table

ROW = re.compile(r"^  (\S+)\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)$")


@pytest.fixture(scope="module")
def told(company, tmp_path_factory):
    """In a process of its own, in a folder in which anything left behind would be seen."""
    folder = tmp_path_factory.mktemp("check")
    told = program("check", "--data", company, cwd=folder)
    assert list(folder.iterdir()) == []
    return told


@pytest.fixture(scope="module")
def balance(told) -> dict[str, tuple[int, ...]]:
    """Rows in, accepted and set aside of each file."""
    found = [match.groups() for line in told.lines if (match := ROW.match(line))]
    return {file: tuple(int(number.replace(",", "")) for number in numbers) for file, *numbers in found}


def test_rows_in_are_rows_accepted_and_set_aside(told, balance, company):
    assert told.code == 0, told.err
    assert set(balance) == {"together", *(path.name for path in company.glob("*.csv"))}
    for rows_in, accepted, aside in balance.values():
        assert rows_in == accepted + aside
    together = balance["together"]
    files = [numbers for file, numbers in balance.items() if file != "together"]
    assert together == tuple(map(sum, zip(*files, strict=True)))
    assert together[2] > 0


def test_every_row_of_every_file_is_counted(balance, company):
    for path in company.glob("*.csv"):
        assert balance[path.name][0] == len(text_table(path)), path.name


def test_rules_say_how_many_rows_they_set_aside(told, balance):
    counts = [int(n.replace(",", "")) for n in re.findall(r"^      ([\d,]+) set aside: .+$", told.out, re.MULTILINE)]
    assert sum(counts) == balance["together"][2]


def test_it_fits_a_terminal(told):
    assert max(len(line) for line in told.lines) <= 80


def test_nothing_is_written(few_deals, tmp_path):
    data, home = copied(few_deals, tmp_path / "data"), tmp_path / "home"
    before = everything_in(data)
    assert dealcast("check", "--data", data, "--home", home).code == 0
    assert not home.exists()
    assert everything_in(data) == before


def test_a_home_stays_as_it_is(few_deals, trained, tmp_path):
    home = copied(trained.home, tmp_path / "home")
    before = everything_in(home)
    assert dealcast("check", "--data", few_deals, "--home", home).code == 0
    assert everything_in(home) == before


def test_it_says_of_each_field_whether_its_past_is_known(few_deals, tmp_path):
    undeclared = dealcast("check", "--data", few_deals, "--home", tmp_path / "none")
    declared = dealcast("check", "--data", few_deals, "--home", new_home(tmp_path / "home", FAST))
    for field, without, with_it in (
        ("stage", "tracked", "tracked"),
        ("product", "not known: left out", "declared fixed"),
        ("probability", "not known: left out", "not known: left out"),
    ):
        assert re.search(rf"^  {field} +{without} ", undeclared.out, re.MULTILINE)
        assert re.search(rf"^  {field} +{with_it} ", declared.out, re.MULTILINE)


def test_it_says_which_fields_would_give_the_outcome_away(told):
    text = " ".join(told.out.replace("\u00a0", " ").split())
    assert re.search(r"^  probability +not known: left out +100.% +–  +1\.00 +–$", told.out, re.MULTILINE)
    assert "probability: today it alone tells won from lost (AUC 1.00 on" in text
    shut_out = re.search(
        r"stage: today's value tells won from lost with AUC 1\.00, the one half-way with (0\.\d\d)", text
    )
    assert float(shut_out.group(1)) < 0.9
    assert '"region"' in text[text.index("[data] fixed = [") :]


def test_few_deals_are_too_few_to_say_what_gives_the_outcome_away(few_deals, tmp_path):
    text = " ".join(dealcast("check", "--data", few_deals, "--home", tmp_path / "none").out.split())
    assert "at least 40 each are needed" in text
    assert not re.search(r"AUC \d", text)


def test_a_declaration_that_leaks_is_warned_of(company, tmp_path):
    home = new_home(tmp_path / "home", '[data]\nfixed = ["probability"]\n')
    text = " ".join(dealcast("check", "--data", company, "--home", home).out.split())
    warnings = text[text.index("Warnings") : text.index("Leaks that are shut out")]
    assert "probability: declared fixed, yet it alone tells won from lost (AUC 1.00 on" in warnings
    assert "take it off `fixed` in dealcast.toml" in warnings


def test_json_carries_all_figures_of_the_audit(company, tmp_path):
    summary = json.loads(dealcast("check", "--data", company, "--home", tmp_path / "none", "--json").out)
    leakage = summary["leakage"]
    assert leakage["won_looked_at"] + leakage["lost_looked_at"] == leakage["closed_deals"]
    assert set(summary["fields"]) == set(leakage["fields"])
    stage = leakage["fields"]["stage"]
    assert (stage["verdict"], stage["today"]["auc"]) == ("tracked", 1.0)
    assert 0.5 < stage["half_way"]["auc"] < 0.9
    assert stage["tracking"]["changes"] > stage["tracking"]["deals"]
    assert {"field", "code", "sort", "says", "remedy"} == set(leakage["findings"][0])


def test_json_says_the_same_to_a_machine(few_deals, tmp_path):
    home = tmp_path / "home"
    summary = json.loads(dealcast("check", "--data", few_deals, "--home", home, "--json").out)
    text = dealcast("check", "--data", few_deals, "--home", home).out
    assert summary["rows_in"] == summary["accepted"] + summary["set_aside"]
    assert f"{summary['rows_in']:10,} {summary['accepted']:10,} {summary['set_aside']:10,}" in text
    assert f"Deals: {summary['deals']:,}, of which {summary['won']:,} won" in text
    assert summary["deals"] == summary["won"] + summary["lost"] + summary["open"]
    assert summary["enough"] is False


def test_rows_that_have_gone_at_a_source_are_counted(few_deals, tmp_path):
    deals = pd.read_csv(few_deals / "opportunities.csv", dtype=str)
    deals = deals[deals["opportunity_id"].notna()].drop_duplicates("opportunity_id")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'crm.sqlite'}")
    columns = [sa.Column(name, sa.Text, primary_key=name == "opportunity_id") for name in deals]
    sa.Table("opportunities", sa.MetaData(), *columns).create(engine)
    deals.to_sql("opportunities", engine, index=False, if_exists="append")
    asked = ("check", "--data", f"sqlite:///{tmp_path / 'crm.sqlite'}", "--home", tmp_path / "home")
    before = dealcast(*asked)
    assert before.code == 0, before.err
    assert "have gone at the source" not in before.out
    with engine.begin() as connection:
        gone = deals["opportunity_id"].tolist()[:2]
        connection.execute(
            sa.text("DELETE FROM opportunities WHERE opportunity_id IN (:a, :b)"), dict(zip("ab", gone, strict=True))
        )
    engine.dispose()
    assert "  opportunities: 2 rows have gone at the source since it was first synced" in dealcast(*asked).lines
    told = dealcast(*asked, "--json")
    assert json.loads(told.out)["deleted_at_source"] == {"opportunities": 2}
    mirror = tmp_path / "home" / "mirror" / "sql"
    of_mirror = dealcast("check", "--data", mirror, "--home", tmp_path / "home", "--json")
    assert json.loads(of_mirror.out) == json.loads(told.out), "read as it was left"
    of_folder = dealcast("check", "--data", few_deals, "--home", tmp_path / "home", "--json")
    assert json.loads(of_folder.out)["deleted_at_source"] == {}
