"""What a file's own columns, those that the contract does not know, are called."""

from __future__ import annotations

from collections.abc import Sequence

from crm.tables import TABLES

SOURCE = " (source)"


def own_columns(table: str, headers: Sequence[str]) -> dict[str, str]:
    """The name within the database → the name in the table, in the order of the headers.

    Each keeps its header, letter by letter: `Stage` is another than `stage`. One that is called as a column of
    the contract, which is read from elsewhere, gets " (source)" behind it.
    """
    taken = {column.name for column in TABLES[table].columns}
    return {f"x_{i}": _free(header, taken, headers) for i, header in enumerate(headers)}


def _free(header: str, taken: set[str], headers: Sequence[str]) -> str:
    if header not in taken:
        return header
    found = header + SOURCE
    while found in headers:
        found += SOURCE
    return found
