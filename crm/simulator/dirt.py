"""Dirt as real exports have it, put into written tables on purpose and recorded spot by spot.

Whatever a reader has to set aside is an added row, and whatever is edited in place is legal if odd: without
the added rows, every deal, change and activity of the clean tables is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.simulator.files import as_text
from crm.simulator.settings import SimulatorSettings
from crm.tables import CrmTables

_NEARBY = 50  # rows within which an added row follows the one it was made from


@dataclass(frozen=True)
class Spot:
    """One dirty place: `line` of the file (its header is line 1), `column` and `value` written there.

    A missing value is None. `added` tells a row that the clean table does not have from a clean row that was
    edited; `column` is empty where the whole row is meant.
    """

    table: str
    rule: str
    line: int
    column: str
    value: str | None
    added: bool


@dataclass(frozen=True)
class Dirt:
    """All that was dirtied, by table and line."""

    spots: tuple[Spot, ...]

    def of(self, table: str, rule: str) -> tuple[Spot, ...]:
        """The spots that one rule left in one table."""
        return tuple(spot for spot in self.spots if (spot.table, spot.rule) == (table, rule))

    def counts(self) -> dict[tuple[str, str], int]:
        """How many spots there are, by table and rule."""
        found: dict[tuple[str, str], int] = {}
        for spot in self.spots:
            found[spot.table, spot.rule] = found.get((spot.table, spot.rule), 0) + 1
        return found


@dataclass(frozen=True)
class _Soil:
    """What a rule may look at: a few rows to spoil, all clean tables as text, a source of chance."""

    rows: pd.DataFrame
    texts: Mapping[str, pd.DataFrame]
    random: np.random.Generator

    def pick(self, words: tuple[str, ...]) -> list[str]:
        return [words[draw] for draw in self.random.integers(0, len(words), len(self.rows))]


@dataclass(frozen=True)
class Rule:
    """A way for a table to be dirty: `spoil` returns the rows as they are written."""

    name: str
    table: str
    column: str
    added: bool
    spoil: Callable[[_Soil], pd.DataFrame]
    eligible: Callable[[Mapping[str, pd.DataFrame]], pd.Series] | None = None


_ODD_NAMES = (
    "NA",
    "None",
    "null",
    "🚀 Rocket & Söhne",
    "<b>Bold</b> Deal",
    "=cmd|' /C calc'!A0",
    "+1 Ltd",
    'The "Firm", Inc.',
    "شركة النور",
)
_NO_NUMBERS = ("TBD", "12k?", "#REF!", "ask Dana")


def _as_is(soil: _Soil) -> pd.DataFrame:
    return soil.rows


def _without_deal(soil: _Soil) -> pd.DataFrame:
    return _renumbered(soil).assign(opportunity_id=None)


def _without_amount(soil: _Soil) -> pd.DataFrame:
    return soil.rows.assign(amount=None)


def _without_direction(soil: _Soil) -> pd.DataFrame:
    return soil.rows.assign(direction=None)


def _odd_name(soil: _Soil) -> pd.DataFrame:
    return soil.rows.assign(name=soil.pick(_ODD_NAMES))


def _spaced(column: str) -> Callable[[_Soil], pd.DataFrame]:
    def spoil(soil: _Soil) -> pd.DataFrame:
        return soil.rows.assign(**{column: " " + soil.rows[column] + "  "})

    return spoil


def _amount_as_text(soil: _Soil) -> pd.DataFrame:
    rows = soil.rows
    return rows.assign(opportunity_id=rows["opportunity_id"] + "X", amount=soil.pick(_NO_NUMBERS))


def _new_amount_as_text(soil: _Soil) -> pd.DataFrame:
    return soil.rows.assign(new_value=soil.pick(_NO_NUMBERS))


def _unknown_stage(soil: _Soil) -> pd.DataFrame:
    return soil.rows.assign(new_value="Verbal OK")


def _unknown_deal(soil: _Soil) -> pd.DataFrame:
    rows = _renumbered(soil)
    return rows.assign(opportunity_id=rows["opportunity_id"] + "Z")


def _change_before_creation(soil: _Soil) -> pd.DataFrame:
    return soil.rows.assign(changed_at=_before_creation(soil))


def _activity_before_creation(soil: _Soil) -> pd.DataFrame:
    at = _before_creation(soil)
    return _renumbered(soil).assign(occurred_at=at, recorded_at=at)


def _before_creation(soil: _Soil) -> list[str]:
    deals = soil.texts["opportunities"].set_index("opportunity_id")["created_at"]
    created = soil.rows["opportunity_id"].map(deals).str.slice(0, 19).to_numpy("datetime64[s]")
    seconds = soil.random.integers(2 * 86_400, 60 * 86_400, len(soil.rows))
    return [f"{at}Z" for at in created - seconds.astype("timedelta64[s]")]


def _renumbered(soil: _Soil) -> pd.DataFrame:
    """The rows as rows of their own: an added activity has its own id."""
    if "activity_id" not in soil.rows:
        return soil.rows
    return soil.rows.assign(activity_id=soil.rows["activity_id"] + "X")


def _never_revised(texts: Mapping[str, pd.DataFrame]) -> pd.Series:
    deals, changes = texts["opportunities"], texts["changes"]
    revised = changes.loc[changes["field"] == "amount", "opportunity_id"]
    return deals["amount"].notna() & ~deals["opportunity_id"].isin(revised)


def _changes_of(field: str) -> Callable[[Mapping[str, pd.DataFrame]], pd.Series]:
    return lambda texts: texts["changes"]["field"] == field


RULES = (
    Rule("duplicate_row", "opportunities", "", True, _as_is),
    Rule("blank_id", "opportunities", "opportunity_id", True, _without_deal),
    Rule("amount_not_a_number", "opportunities", "amount", True, _amount_as_text),
    Rule("odd_name", "opportunities", "name", False, _odd_name),
    Rule("surrounding_spaces", "opportunities", "lead_source", False, _spaced("lead_source")),
    Rule("missing_amount", "opportunities", "amount", False, _without_amount, _never_revised),
    Rule("duplicate_row", "changes", "", True, _as_is),
    Rule("before_creation", "changes", "changed_at", True, _change_before_creation),
    Rule("unknown_stage", "changes", "new_value", True, _unknown_stage, _changes_of("stage")),
    Rule("amount_not_a_number", "changes", "new_value", True, _new_amount_as_text, _changes_of("amount")),
    Rule("duplicate_row", "activities", "", True, _as_is),
    Rule("blank_id", "activities", "opportunity_id", True, _without_deal),
    Rule("before_creation", "activities", "occurred_at", True, _activity_before_creation),
    Rule("unknown_deal", "activities", "opportunity_id", True, _unknown_deal),
    Rule("missing_direction", "activities", "direction", False, _without_direction),
    Rule("surrounding_spaces", "activities", "kind", False, _spaced("kind")),
    Rule("odd_name", "accounts", "name", False, _odd_name),
    Rule("surrounding_spaces", "accounts", "industry", False, _spaced("industry")),
)


def soiled(settings: SimulatorSettings, tables: CrmTables) -> tuple[dict[str, pd.DataFrame], Dirt]:
    """All tables as text, a share of their rows dirtied, and where.

    `settings.dirt` is the share of a table's rows, split evenly among its rules: at least one row for each,
    none at all where it is 0. No row is dirtied twice.
    """
    texts = {name: as_text(tables[name], name) for name in tables.frames}
    written, spots = dict(texts), []
    for name in texts:
        rules = [rule for rule in RULES if rule.table == name]
        if rules and settings.dirt > 0:
            written[name], found = _soil_table(settings, name, rules, texts)
            spots += found
    return written, Dirt(tuple(spots))


def _soil_table(
    settings: SimulatorSettings, name: str, rules: list[Rule], texts: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, list[Spot]]:
    clean, random = texts[name], settings.random(f"dirt in {name}")
    each = max(1, round(settings.dirt * len(clean) / len(rules)))
    left = random.permutation(len(clean))
    parts, places, marks = [clean], [np.arange(len(clean), dtype=float)], []
    for rule in rules:
        fit = rule.eligible(texts).to_numpy(bool)[left] if rule.eligible else np.ones(len(left), bool)
        rows = np.sort(left[np.flatnonzero(fit)[:each]])
        left = left[~np.isin(left, rows)]
        spoilt = rule.spoil(_Soil(clean.iloc[rows], texts, random))
        place = rows + 0.5 + random.integers(0, _NEARBY, len(rows)) if rule.added else rows.astype(float)
        parts.append(spoilt)
        places.append(place)
        marks.append((rule, rows))
    return _woven(parts, places, marks)


def _woven(
    parts: list[pd.DataFrame], places: list[np.ndarray], marks: list[tuple[Rule, np.ndarray]]
) -> tuple[pd.DataFrame, list[Spot]]:
    """One table of the clean rows and the spoilt ones, edited rows standing in for the clean ones."""
    dropped = np.zeros(len(parts[0]), bool)
    for rule, rows in marks:
        dropped[rows] |= not rule.added
    parts, places = [parts[0][~dropped], *parts[1:]], [places[0][~dropped], *places[1:]]
    order = np.argsort(np.concatenate(places), kind="stable")
    line = np.empty(len(order), np.int64)
    line[order] = np.arange(len(order)) + 2
    frame = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
    spots, start = [], len(parts[0])
    for (rule, _), part in zip(marks, parts[1:], strict=True):
        for at in sorted(line[start : start + len(part)]):
            value = frame[rule.column].iloc[at - 2] if rule.column else None
            written = None if pd.isna(value) else str(value)
            spots.append(Spot(rule.table, rule.name, int(at), rule.column, written, rule.added))
        start += len(part)
    return frame, spots
