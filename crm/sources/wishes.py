"""What the configuration wants features of, held against what the data have: a typing error is not silent."""

from __future__ import annotations

from difflib import get_close_matches

import pandas as pd

from crm.errors import DataRefused, WrongUse
from crm.sources.intake import Intake, LoadedFile
from crm.tables import TABLES, CrmTables, OwnColumn

_VALUES = {"number": "a number", "money": "an amount", "date": "a day", "flag": "yes or no"}


def refuse_missing_columns(intake: Intake) -> None:
    """Every declared column of opportunities must be there, and be nothing that Dealcast reads already.

    :raises DataRefused: where the file has no such column, naming the nearest.
    :raises WrongUse: where the column is read as one of the contract.
    """
    for file in intake.files_of("opportunities"):
        for column in intake.mapping.wishes.columns:
            if column.name not in file.text.custom.values():
                raise _not_there(column, file)


def _not_there(column: OwnColumn, file: LoadedFile) -> DataRefused | WrongUse:
    read_as = next((known for known, header in file.text.headers.items() if header == column.name), None)
    if read_as is not None:
        return WrongUse(
            f"{column.name!r} is read as {read_as}, which has the features that it can have",
            where="dealcast.toml, [fields]",
            expected="columns of your own",
            remedy="remove it",
        )
    own = list(file.text.custom.values())
    near = _nearest(column.name, own)
    return DataRefused(
        f"there is no column {column.name!r} (of your own there are {', '.join(own) or 'none'})",
        where=file.file,
        expected="the column that dealcast.toml declares under [fields]",
        remedy=f"write {near!r} in dealcast.toml" if near else "export the column too, or remove it from [fields]",
    )


def unmet(tables: CrmTables, kinds: list[str]) -> list[str]:
    """Notes on what is declared and comes to nothing: columns without a value, kinds and names that do not occur.

    :param tables: of any part of the company; its columns and facts are asked, not its rows.
    :param kinds: the activity kinds that occur.
    """
    empty = [
        f"[fields] {column.name}: no deal has a value that can be read"
        + (f" as {_VALUES[column.meant]}" if column.meant in _VALUES else "")
        for column in tables.wishes.columns
        if column.name not in tables.facts.tracked and not tables.gives("opportunities", column.name)
    ]
    never = [
        f"[activities] kinds: {kind!r} does not occur among the activities{_perhaps(kind, kinds)}"
        for kind in tables.wishes.activity_kinds
        if kind not in kinds
    ]
    fixable = [*tables["opportunities"].columns, *_of_accounts(tables["accounts"])]
    unknown = [
        f"[data] fixed: there is no column {name!r}{_perhaps(name, fixable)}"
        for name in sorted(tables.fixed)
        if name not in fixable
    ]
    return [*empty, *never, *unknown]


def _of_accounts(accounts: pd.DataFrame) -> list[str]:
    return [f"accounts.{column}" for column in (*(c.name for c in TABLES["accounts"].columns), *accounts.columns)]


def _perhaps(name: str, known: list[str]) -> str:
    near = _nearest(name, known)
    return f"; perhaps {near!r} is meant" if near else ""


def _nearest(name: str, known: list[str]) -> str | None:
    near = get_close_matches(name.lower(), [one.lower() for one in known], n=1)
    return next((one for one in known if near and one.lower() == near[0]), None)
