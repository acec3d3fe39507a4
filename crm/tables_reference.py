"""The reference page of the tables, written from the contract.

``python -m crm.tables_reference`` prints the page; with the name of a file it writes it there, as `make docs`
does for ``docs/tables.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from crm.tables import TABLES, Column, Kind, Table

# What a person calls a kind, and how its values are read.
_KINDS = {
    Kind.ID: ("id", "Text as it stands: `0012` keeps its zeros. Blank means missing."),
    Kind.TEXT: ("text", "Text as it stands: a name `NA` stays a name. Blank means missing."),
    Kind.INSTANT: ("instant", "A date and time, in UTC once read."),
    Kind.DATE: ("day", "A calendar day, without time or zone."),
    Kind.MONEY: ("money", "A number, in the company's currency after conversion. Missing is not 0."),
    Kind.NUMBER: ("number", "A number. Missing is not 0."),
    Kind.FLAG: ("yes or no", "True, false or missing."),
}

_INTRODUCTION = """\
# The tables

<!-- Written from crm/tables.py by `make docs`. Edit that file, not this one. -->

What Dealcast reads of a CRM. Only `opportunities` is indispensable: an absent table takes away the features
that need it, and nothing else. Columns that are not listed here are kept as text and can be declared as
custom features.\
"""


def page(tables: Iterable[Table] = tuple(TABLES.values())) -> str:
    """The whole page in Markdown: a section a table, then how each type is read."""
    return "\n\n".join([_INTRODUCTION, *(_section(table) for table in tables), _types()]) + "\n"


def _section(table: Table) -> str:
    parts = [f"## {table.name}", table.meaning]
    if table.key:
        parts.append(f"A row is identified by {_listed(table.key)}.")
    parts.append(grid(["column", "type", "required", "unit", "meaning"], map(_cells, table.columns)))
    changing = [column.name for column in table.columns if column.history]
    if changing:
        parts.append(
            f"Over a deal's life may change: {_listed(changing)}. What such a column held at an earlier date"
            " is known from `changes` alone; without its history there it is no feature, unless the"
            " configuration declares it fixed at creation."
        )
    return "\n\n".join(parts)


def _cells(column: Column) -> list[str]:
    name, _ = _KINDS[column.kind]
    return [f"`{column.name}`", name, "yes" if column.required else "", column.unit, column.meaning]


def _types() -> str:
    rows = ([name, f"`{kind.dtype}`", reading] for kind, (name, reading) in _KINDS.items())
    return "## Types\n\n" + grid(["type", "pandas", "how it is read"], rows)


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _listed(names: Sequence[str]) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} and {last}" if others else last


def print_or_write(text: str, arguments: Sequence[str]) -> None:
    """Print a page, or write it to the file named by the one argument."""
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def main(arguments: Sequence[str]) -> None:
    """Print the page, or write it to the file named by the one argument."""
    print_or_write(page(), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
