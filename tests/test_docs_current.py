"""The pages that are generated from the code are the ones on disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from crm import tables_reference
from crm.tables import ACTIVITIES, OPPORTUNITIES, TABLES, Column, Kind
from crm.tables_reference import page
from features import features_reference
from features.catalogue import Catalogue, catalogue
from features.feature import Family, Feature, Unit, Wording
from features.features_reference import EXAMPLE
from features.questions import Count
from serving.views import reference as views_reference
from serving.views.catalogue import views

DOCS = Path(__file__).parent.parent / "docs"
TABLES_PAGE, FEATURES_PAGE, VIEWS_PAGE = DOCS / "tables.md", DOCS / "features.md", DOCS / "bi.md"


def test_the_tables_page_is_current():
    assert TABLES_PAGE.read_text(encoding="utf-8") == page(), "docs/tables.md is out of date; run: make docs"


def test_every_table_and_column_is_on_the_page():
    text = page()
    for table in TABLES.values():
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        assert table.meaning in section
        for column in table.columns:
            assert f"| `{column.name}` |" in section
            assert column.meaning in section


def test_a_column_added_to_the_contract_is_on_the_page():
    """The recipe "How to add a column to the contract" in CONTRIBUTING.md, followed."""
    column = Column("discount", Kind.NUMBER, "Off the list price | agreed.", unit="percent", history=True)
    section = page([replace(OPPORTUNITIES, columns=(*OPPORTUNITIES.columns, column))])
    assert "| `discount` | number |  | percent | Off the list price \\| agreed. |" in section
    assert "`next_step` and `discount`. What such a column held" in section


def test_a_table_without_changing_columns_says_nothing_of_them():
    assert "Over a deal's life" not in page([ACTIVITIES])


@pytest.mark.parametrize("written", [tables_reference, features_reference, views_reference])
def test_the_command_prints_the_page_or_writes_it(written, tmp_path, capsys):
    written.main([])
    written.main([str(tmp_path / "page.md")])
    assert capsys.readouterr().out == written.page()
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == written.page()


def test_the_features_page_is_current():
    text = FEATURES_PAGE.read_text(encoding="utf-8")
    assert text == features_reference.page(), "docs/features.md is out of date; run: make docs"


def test_every_feature_and_stream_is_on_the_page():
    text, known = features_reference.page(), catalogue(EXAMPLE)
    for family in known.families:
        if family.features:
            section = text.split(f"\n## {family.name}\n")[1].split("\n## ")[0]
            assert family.told
            assert family.told in section
            assert [f.name for f in family.features if f"| `{f.name}` |" not in section] == []
    streams = [line.split("|") for line in text.split("\n## Streams\n")[1].splitlines() if line.startswith("| `")]
    assert [cells[1].strip(" `") for cells in streams] == sorted(known.streams)
    assert [cells[1] for cells in streams if not cells[3].strip().endswith((".", "…"))] == []


def test_a_feature_that_is_declared_is_on_the_page():
    """The recipe "How to add a feature" in CONTRIBUTING.md, followed."""
    wording = Wording("{value} in 90 days.", peers="deals with {bin}", zero="No demo.")
    demos = Feature("demos_90d", Count("touches", "demo", 90), Unit.COUNT, "demos", "Demos held.", wording,
                    noun=("demo", "demos"), actionable=True)  # fmt: skip
    text = features_reference.page(Catalogue((Family("demos", {}, (demos,), "What was shown."),)))
    row = "| `demos_90d` | demos | Demos held. | `count(touches where demo, 90 d)` | demos | yes |  | … in 90 days. |"
    assert "## demos\n\nWhat was shown.\n\n" in text
    assert row in text


def test_the_views_page_is_current():
    assert VIEWS_PAGE.read_text(encoding="utf-8") == views_reference.page(), "docs/bi.md is out of date; run: make docs"


def test_every_view_and_column_is_on_the_page():
    text = views_reference.page()
    for view in views():
        assert f"| [{view.name}](#{view.name}) | {view.meaning} |" in text
        section = text.split(f"\n## {view.name}\n")[1].split("\n## ")[0]
        for column in view.columns:
            assert f"| `{column.name}` | {column.kind.told} | {column.unit} | {column.meaning} |" in section


def test_what_is_said_of_views_is_said_in_sentences():
    told = [view.meaning for view in views()] + [column.meaning for view in views() for column in view.columns]
    assert [one for one in told if not one.endswith(".") or "|" in one] == []
