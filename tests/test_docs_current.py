"""The pages that are generated from the code are the ones on disk."""

from dataclasses import replace
from pathlib import Path

from crm.tables import ACTIVITIES, OPPORTUNITIES, TABLES, Column, Kind
from crm.tables_reference import main, page

TABLES_PAGE = Path(__file__).parent.parent / "docs" / "tables.md"


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


def test_the_command_prints_the_page_or_writes_it(tmp_path, capsys):
    main([])
    main([str(tmp_path / "tables.md")])
    assert capsys.readouterr().out == page()
    assert (tmp_path / "tables.md").read_text(encoding="utf-8") == page()
