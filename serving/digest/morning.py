"""A rep's morning: what changed on their deals since the last working day, and where most is at stake."""

from __future__ import annotations

from collections.abc import Sequence

from serving.digest.deals import by_urgency, changed_entries, entries, named
from serving.digest.letter import Letter, Person, Section
from serving.digest.news import News, Row
from serving.since import Since

MOST_CHANGED, MOST_AT_STAKE, IN_SUBJECT = 4, 3, 4


def morning(person: Person, news: News, days: int) -> Letter | None:
    """The letter of a morning; None where nothing has changed, so that nothing has to be read.

    :param days: since how many days ago: 1, and more where days without letters lie between.
    """
    rows = news.deals({person.user_id})
    then = news.before(days)
    if then is None:
        return _first(rows, news) if rows else None
    since = news.since(then, rows, {person.user_id})
    if not since.anything:
        return None
    said = since.sentence(news.forms)
    snoozed = news.snoozed(rows)
    shown = [row for row in rows if row["opportunity_id"] not in snoozed]
    changed = by_urgency(since, shown)[:MOST_CHANGED]
    ids = {row["opportunity_id"] for row in changed}
    says = tuple(_came_and_went(news, since, rows))
    found = (
        Section("What changed", changed_entries(news, then, since, changed), says),
        _at_stake(news, [row for row in shown if row["opportunity_id"] not in ids]),
    )
    return Letter(
        subject=f"Your deals: {since.sentence(news.forms, IN_SUBJECT)}",
        lead=f"Since {news.forms.day(since.since)}: {said}.",
        sections=tuple(section for section in found if section.entries or section.says),
        foot=foot(news),
        link=news.links.deals,
    )


def foot(news: News) -> tuple[str, ...]:
    """As of when, by what, and what the figures are."""
    run = news.run
    return (
        f"Scored {run.started_at:%Y-%m-%d %H:%M} UTC by model {run.model_version}, as of {news.forms.day(news.day)}.",
        "At stake: amount × stall risk × what a stall costs deals like it. Steps are what won deals had: association, "
        "not a promise.",
    )


def _came_and_went(news: News, since: Since, rows: Sequence[Row]) -> list[str]:
    by_id = {row["opportunity_id"]: row for row in rows}
    new, handed = ([by_id[key] for key in keys] for keys in (since.new, since.handed))
    said = (("Won", since.won), ("Lost", since.lost), ("New", new), ("Taken over", handed))
    return [f"{what}: {named(news, some)}." for what, some in said if some]


def _at_stake(news: News, rows: Sequence[Row]) -> Section:
    urgent = [row for row in rows if row["revenue_at_stake"]][:MOST_AT_STAKE]
    return Section("Where most is at stake", entries(news, urgent, stalls=True))


def _first(rows: Sequence[Row], news: News) -> Letter:
    """The first letter there is: nothing to compare with yet."""
    open_deals = f"{news.forms.count(len(rows))} open {'deal' if len(rows) == 1 else 'deals'}"
    at_stake = _at_stake(news, rows)
    return Letter(
        f"Your deals: {open_deals}",
        f"{open_deals}; from the next run on, this line says what changed.",
        (at_stake,) if at_stake.entries else (),
        foot(news),
        news.links.deals,
    )
