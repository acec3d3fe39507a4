"""Which file holds which table, which column is which: by names, by what the values look like, by what they join."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from crm.draft.names import hints, rank
from crm.draft.profile import MOST, ColumnProfile, FileProfile
from crm.sources.mapping import TableMapping
from crm.sources.quoting import literal, literals
from crm.stages import LOST_NAMES, WON_NAMES
from crm.tables import TABLES, Column, Kind

MOST_STAGES = 60
JOINED = 0.5  # of the deals' owners or accounts that are found in a file: it is theirs
OF_DEALS = ("changes", "activities", "contact_roles", "leads")
RARELY = 1 - MOST


@dataclass(frozen=True)
class TableDraft:
    """A file that holds a table.

    :param columns: contract column → header. :param why: contract column, or "" for the table → the evidence.
    """

    table: str
    profile: FileProfile
    columns: Mapping[str, str]
    why: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def renamed(self) -> dict[str, str]:
        """The columns that do not bear the contract's name."""
        return {column: header for column, header in self.columns.items() if column != header}

    @property
    def mapping(self) -> TableMapping:
        """The declaration."""
        return TableMapping(self.profile.file, self.renamed, self.values)


def draft_tables(con: duckdb.DuckDBPyConnection, files: Sequence[FileProfile]) -> list[TableDraft]:
    """The tables that the files hold, deals first; empty where no file looks like deals."""
    found = [draft for file in files if (draft := _deals(con, file)) is not None]
    if not found:
        return []
    deals = max(found, key=lambda d: (hints("opportunities", d.profile.stem), len(d.columns), d.profile.rows))
    drafts, taken = [deals], {deals.profile.file}
    for table in (*OF_DEALS, "accounts", "users", "stages", "quotas"):
        fitting = [
            d for file in files if file.file not in taken and (d := _other(con, table, file, drafts)) is not None
        ]
        if fitting:
            drafts.append(max(fitting, key=lambda d: (hints(table, d.profile.stem), len(d.columns))))
            taken.add(drafts[-1].profile.file)
    return drafts


def _deals(con: duckdb.DuckDBPyConnection, file: FileProfile) -> TableDraft | None:
    columns = named_columns("opportunities", file)
    free = [header for header in file.columns if header not in columns.values()]
    if "opportunity_id" not in columns:
        _fill(columns, "opportunity_id", (h for h in free if file.columns[h].is_unique and not file.columns[h].is_time))
    if "stage" not in columns:
        _fill(columns, "stage", (h for h in free if _ends(con, file, h) != ((), ())))
    if "created_at" not in columns:
        times = [h for h in free if file.columns[h].is_time]
        _fill(columns, "created_at", sorted(times, key=lambda h: -file.columns[h].filled))
    if not set(TABLES["opportunities"].required) <= set(columns):
        return None
    why = {column: read_as(column, file.columns[header]) for column, header in columns.items()}
    for column, header in columns.items():
        if column in ("close_date", "amount") and (said := _known_at_the_end(con, file, columns["stage"], header)):
            why[column] = said
    if "close_date" in columns and "closed_at" not in columns and "only" in why["close_date"]:
        columns["closed_at"], why["closed_at"] = columns.pop("close_date"), why.pop("close_date")
    return TableDraft("opportunities", file, columns, why)


def _fill(columns: dict[str, str], column: str, headers: Iterable[str]) -> None:
    header = next(iter(headers), None)
    if header is not None:
        columns[column] = header


def _other(
    con: duckdb.DuckDBPyConnection, table: str, file: FileProfile, drafts: Sequence[TableDraft]
) -> TableDraft | None:
    """The file as that table, where it has its columns and joins the deals."""
    columns = named_columns(table, file)
    if not set(TABLES[table].required) <= set(columns):
        return None
    if table == "changes" and not {"old_value", "new_value"} & set(columns):
        return None
    deals = drafts[0]
    ours, theirs = JOINS[table]
    why = {column: read_as(column, file.columns[header]) for column, header in columns.items()}
    if theirs not in deals.columns:
        return None
    of_deals = (deals.profile, deals.columns[theirs])
    if table in OF_DEALS:
        share, told = _joined(con, (file, columns[ours]), of_deals), f"of its {columns[ours]} are deals'"
    else:
        share, told = _joined(con, of_deals, (file, columns[ours])), f"of the deals' {of_deals[1]} are in it"
    if share < JOINED:
        return None
    return TableDraft(table, file, columns, {**why, "": f"{share:.0%} {told}"})


JOINS: Mapping[str, tuple[str, str]] = {
    "changes": ("opportunity_id", "opportunity_id"),
    "activities": ("opportunity_id", "opportunity_id"),
    "contact_roles": ("opportunity_id", "opportunity_id"),
    "leads": ("opportunity_id", "opportunity_id"),
    "accounts": ("account_id", "account_id"),
    "users": ("user_id", "owner_id"),
    "stages": ("stage", "stage"),
    "quotas": ("user_id", "owner_id"),
}


def _joined(con: duckdb.DuckDBPyConnection, left: tuple[FileProfile, str], right: tuple[FileProfile, str]) -> float:
    """The share of the left column's distinct values that stand in the right one."""
    (one, header), (other, theirs) = left, right
    values = f"SELECT DISTINCT v FROM ({one.query(f'{one.cell(header)} AS v')}) WHERE v IS NOT NULL"
    among = f"SELECT v FROM ({other.query(f'{other.cell(theirs)} AS v')})"
    found = con.execute(f"SELECT count(*), count_if(v IN ({among})) FROM ({values})").fetchone()
    return found[1] / found[0] if found and found[0] else 0.0


def named_columns(table: str, file: FileProfile) -> dict[str, str]:
    """Contract column → the header that is called so and whose values fit."""
    places = {column.name: place for place, column in enumerate(TABLES[table].columns)}
    pairs = sorted(
        (rank(table, column.name, header), places[column.name], column.name, header)
        for column in TABLES[table].columns
        for header, profile in file.columns.items()
        if rank(table, column.name, header) >= 0 and _fits(table, column, profile)
    )
    found: dict[str, str] = {}
    for _, _, column_name, header in pairs:
        if column_name not in found and header not in found.values():
            found[column_name] = header
    return {column: found[column] for column in places if column in found}


def _fits(table: str, column: Column, profile: ColumnProfile) -> bool:
    """Whether a column's values can be what the contract's column holds."""
    if not profile.filled:
        return False
    match column.kind:
        case Kind.INSTANT | Kind.DATE:
            return profile.is_time or profile.serial >= MOST * profile.filled
        case Kind.MONEY | Kind.NUMBER:
            return profile.is_number and not profile.is_time
        case Kind.FLAG:
            return profile.is_flag
    if profile.is_time:
        return False
    if (table, column.name) == ("opportunities", "stage"):
        return 1 < profile.distinct <= MOST_STAGES and not profile.is_number
    if TABLES[table].key == (column.name,):
        return profile.distinct >= MOST * profile.rows and profile.filled >= MOST * profile.rows
    return True


def read_as(column: str, profile: ColumnProfile) -> str:
    """What speaks for it: how many of its values read so, and examples."""
    if profile.is_time:
        count, what = profile.times, "times" if profile.zoned + profile.local > profile.times / 2 else "days"
    elif profile.is_number and column not in ("opportunity_id", "account_id", "owner_id"):
        count, what = profile.numbers + profile.commas, "numbers"
    else:
        return f"{profile.distinct:,} different in {profile.filled:,} of {profile.rows:,} rows: {profile.shown}"
    return f"{count:,} of {profile.filled:,} are {what}: {profile.shown}"


# --- what is known only when a deal has closed ---------------------------------------------------------------------


def _ends(con: duckdb.DuckDBPyConnection, file: FileProfile, stage: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values of a column that are called won, and lost; empty where it has too many, or one kind alone."""
    if file.columns[stage].distinct > MOST_STAGES:
        return (), ()
    values = [
        v for (v,) in con.execute(f"SELECT DISTINCT v FROM ({file.query(f'{file.cell(stage)} AS v')})").fetchall()
    ]
    lost = tuple(v for v in values if v and LOST_NAMES.search(v))
    won = tuple(v for v in values if v and v not in lost and WON_NAMES.search(v))
    return (won, lost) if won and lost else ((), ())


def _known_at_the_end(con: duckdb.DuckDBPyConnection, file: FileProfile, stage: str, header: str) -> str:
    """Where a column is filled on closed deals only, what says so; else nothing."""
    won, lost = _ends(con, file, stage)
    closed = f"{file.cell(stage)} IN ({literals((*won, *lost))})"
    filled = f"{file.cell(header)} IS NOT NULL"
    counted = con.execute(
        file.query(
            f"count_if({closed}), count_if({closed} AND {filled}), count_if(NOT {closed}), "
            f"count_if(NOT {closed} AND {filled})"
        )
    ).fetchone()
    assert counted is not None
    ended, with_it, running, running_with_it = counted
    if not ended or not running or with_it < MOST * ended or running_with_it > RARELY * running:
        return ""
    return f"filled only on closed deals: {with_it:,} of {ended:,}, and {running_with_it:,} of {running:,} open ones"


def spellings(
    con: duckdb.DuckDBPyConnection, drafts: Sequence[TableDraft], files: Sequence[FileProfile]
) -> list[TableDraft]:
    """The drafts with values of the deals that another file spells otherwise: value found → value meant."""
    deals = drafts[0]
    own_names = {header: column for column, header in deals.columns.items()}
    values: dict[str, dict[str, str]] = {}
    for header, profile in deals.profile.columns.items():
        column = own_names.get(header, header)
        known = TABLES["opportunities"].column(column) is not None
        if not known or profile.distinct > MOST_STAGES or profile.is_time or profile.is_number:
            continue
        others = [file for file in files if file.file != deals.profile.file and header in file.columns]
        for file in others:
            values.setdefault(column, {}).update(_spelt_otherwise(con, deals.profile, file, header))
    found = {column: meant for column, meant in values.items() if meant}
    return [TableDraft("opportunities", deals.profile, deals.columns, deals.why, found), *drafts[1:]]


def _spelt_otherwise(
    con: duckdb.DuckDBPyConnection, deals: FileProfile, file: FileProfile, header: str
) -> dict[str, str]:
    folded = f"regexp_replace(lower(v), {literal(r'[^a-z0-9]')}, '', 'g')"
    ours, theirs = (
        f"SELECT DISTINCT v, {folded} AS f FROM ({one.query(f'{one.cell(header)} AS v')}) WHERE v IS NOT NULL"
        for one in (deals, file)
    )
    found = con.execute(
        f"SELECT o.v, t.v FROM ({ours}) o JOIN ({theirs}) t USING (f) WHERE o.v <> t.v "
        f"AND o.v NOT IN (SELECT v FROM ({theirs})) ORDER BY 1, 2"
    ).fetchall()
    return dict(found)
