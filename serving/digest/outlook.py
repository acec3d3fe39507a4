"""The forecast of what a person answers for, in sentences: the range, its parts, the quota, and what changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from crm.hierarchy import COMPANY, NOBODY
from serving.digest.letter import Person
from serving.digest.news import SLACK, News


def outlook(person: Person, news: News, days: int) -> list[str]:
    """Sentences on this period and the next; none where nothing is forecast.

    Whoever is above every owner of deals answers for the company; a manager for those who report to them. Above several
    managers each of these is told, as ranges do not add up.

    :param days: since how many days ago the change is told.
    """
    table = news.store.latest_forecast(news.run.as_of)
    if table is None:
        return []
    before = news.store.latest_forecast(news.run.as_of - timedelta(days=days) + SLACK)
    said: list[str] = []
    for level, key in _answers_for(person, news, table):
        rows = table[(table["level"] == level) & (table["key"] == key)].sort_values("period_start")
        who = "" if (level, key) == (COMPANY, COMPANY) or key == person.user_id else f"Team of {news.staff.name(key)}: "
        for row in rows.to_dict("records"):
            earlier = None if before is None else _same(before, row)
            said += _sentences(news, row, earlier, who, whole=row["period_start"] == rows["period_start"].min())
    return said


def _answers_for(person: Person, news: News, table: pd.DataFrame) -> list[tuple[str, str]]:
    owners = set(table.loc[table["level"] == "owner", "key"]) - {NOBODY}
    below = news.staff.below(person.user_id)
    if owners and owners <= below | {person.user_id}:
        return [(COMPANY, COMPANY)]
    managers = set(table.loc[table["level"] == "manager", "key"])
    if person.user_id in managers and not below & managers:
        return [("manager", person.user_id)]
    return [("manager", key) for key in sorted(({person.user_id} | below) & managers)]


def _same(before: pd.DataFrame, row: dict[Any, Any]) -> dict[Any, Any] | None:
    same = before
    for column in ("period_start", "level", "key"):
        same = same[same[column] == row[column]]
    return None if same.empty else dict(same.iloc[0])


def _sentences(news: News, row: dict[Any, Any], earlier: dict[Any, Any] | None, who: str, *, whole: bool) -> list[str]:
    """The range; of the period under way its parts and the quota, too."""
    money, forms = news.forms.money, news.forms
    changed = 0.0 if earlier is None else row["mean"] - earlier["mean"]
    since = (
        f", {money(abs(changed))} {'more' if changed > 0 else 'less'} than a week ago" if _shows(changed, row) else ""
    )
    said = [
        f"{who}{forms.day(row['period_start'])} to {forms.day(row['period_end'])}: {money(row['p50'])}, "
        f"8 of 10 between {money(row['p10'])} and {money(row['p90'])}{since}."
    ]
    if not whole:
        return said
    said.append(
        f"Won {money(row['already_won'])}, from open deals {money(row['open_pipeline'])}, from deals to come "
        f"{money(row['new_business'])}."
    )
    if pd.notna(row["quota"]) and pd.notna(row["quota_probability"]):
        said.append(f"Quota {money(row['quota'])}: {forms.percent(row['quota_probability'])} chance to reach it.")
    return said


def _shows(changed: float, row: dict[Any, Any]) -> bool:
    """Whether a change is worth a word: one in a hundred of what is expected."""
    return bool(abs(changed) >= 0.01 * abs(row["mean"]) and round(changed) != 0)
