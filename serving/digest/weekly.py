"""A manager's week: the forecast, what changed in the team, what stalls over what, and what to coach on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from serving.causes import OTHER, cause_of
from serving.digest.deals import by_urgency, changed_entries, entries, named
from serving.digest.letter import Letter, Person, Section
from serving.digest.links import Links
from serving.digest.morning import foot
from serving.digest.outlook import outlook
from serving.news import News, Row
from serving.runs import ScoringRun
from serving.since import Since
from serving.visible import Sight

WEEK = 7
LIKELY = 0.5
"""A deal whose risk to stall is as high as this is counted among those that may stall."""
MOST_ASKED = 200
"""Of how many deals, those with most at stake, causes and steps are told."""
MOST_STALLING, MOST_CAUSES, MOST_MOVED, MOST_STEPS, MOST_OWN = 3, 5, 3, 2, 3
IN_SUBJECT = 4
LEAST_LACKING = 2
"""A step that a single deal lacks is its owner's affair."""


def weekly(person: Person, news: News, links: Links) -> Letter | None:
    """The letter of a week; None where nobody below the person has an open deal and nothing is forecast."""
    team = Sight(news.staff.below(person.user_id))
    rows = news.deals(team)
    foreseen = outlook(person, news, WEEK)
    if not rows and not foreseen:
        return None
    then = news.before(WEEK)
    since = None if then is None else news.since(then, rows, team)
    said, short = ("", "") if since is None else (since.sentence(news.forms), since.sentence(news.forms, IN_SUBJECT))
    deals = f"{news.forms.count(len(rows))} open {'deal' if len(rows) == 1 else 'deals'}"
    told = news.told([row["opportunity_id"] for row in rows[:MOST_ASKED]])
    found = (
        Section("Forecast", says=tuple(foreseen)),
        _changed(news, links, then, since, rows),
        _stalling(news, links, rows, told),
        _to_coach_on(rows, told),
        _own(person, news, links),
    )
    return Letter(
        subject=f"Your team's week: {short or deals}",
        lead=_lead(news, since, said, deals),
        sections=tuple(section for section in found if section.entries or section.says),
        foot=foot(news),
        link=links.deals,
    )


def _lead(news: News, since: Since | None, said: str, deals: str) -> str:
    if since is None:
        return f"{deals}; from next week on, this line says what changed."
    return f"{deals}. Since {news.forms.day(since.since)}: {said or 'nothing has changed'}."


def _changed(news: News, links: Links, then: ScoringRun | None, since: Since | None, rows: Sequence[Row]) -> Section:
    if then is None or since is None:
        return Section("What changed")
    moved = {one.opportunity_id for one in since.moved}
    most = [row for row in by_urgency(since, rows) if row["opportunity_id"] in moved][:MOST_MOVED]
    says = tuple(f"{what}: {named(news, some)}." for what, some in (("Won", since.won), ("Lost", since.lost)) if some)
    return Section("What changed", changed_entries(news, links, then, since, most, owners=True), says)


def _stalling(news: News, links: Links, rows: Sequence[Row], told: Mapping[str, Mapping[str, Any]]) -> Section:
    """The deals that may stall: counted by what over, and those with most at stake one by one."""
    at_risk = [row for row in rows if (row["stall_risk"] or 0.0) >= LIKELY and row["revenue_at_stake"]]
    by_cause: dict[str, list[Row]] = defaultdict(list)
    for row in at_risk:
        by_cause[cause_of(told.get(row["opportunity_id"], {}).get("stall_reasons", {}))].append(row)
    order = sorted(by_cause, key=lambda cause: (cause == OTHER, -_at_stake(by_cause[cause])))
    says = tuple(
        f"{len(some)} {'deal' if len(some) == 1 else 'deals'}, {news.forms.money(_at_stake(some))} at stake: {cause}."
        for cause, some in ((cause, by_cause[cause]) for cause in order[:MOST_CAUSES])
    )
    return Section("May stall", entries(news, links, at_risk[:MOST_STALLING], owners=True, stalls=True), says)


def _at_stake(rows: Sequence[Row]) -> float:
    return float(sum(row["revenue_at_stake"] for row in rows))


def _to_coach_on(rows: Sequence[Row], told: Mapping[str, Mapping[str, Any]]) -> Section:
    """The steps that most of the team's deals lack, with what won deals had."""
    lacking: Counter[tuple[str, str]] = Counter()
    brief: dict[tuple[str, str], str] = {}
    for row in rows:
        for gap in told.get(row["opportunity_id"], {}).get("coaching", ()):
            if gap["kind"] == "gap":
                lacking[row["stage"], gap["practice"]] += 1
                brief.setdefault((row["stage"], gap["practice"]), gap["brief"])
    common = [key for key, count in lacking.most_common() if count >= LEAST_LACKING][:MOST_STEPS]
    says = tuple(f"{lacking[key]} open deals in {key[0]} lack this: {brief[key]}." for key in common)
    return Section("Worth a talk", says=says)


def _own(person: Person, news: News, links: Links) -> Section:
    """What is most at stake of the person's own deals: there is no other letter on that day."""
    rows = news.deals(Sight(frozenset({person.user_id})))
    urgent = [row for row in rows if row["revenue_at_stake"] and row["opportunity_id"] not in news.snoozed]
    return Section("Your own deals", entries(news, links, urgent[:MOST_OWN]))
