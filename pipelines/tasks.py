"""Tasks from coaching: the most urgent deals' next steps where people work; looked at first, then made by hash."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crm.errors import WrongUse
from pipelines.champion import nothing_scored, scored_store
from pipelines.config import Home, load_config
from pipelines.sinks import sink_called
from pipelines.whom import whom
from pipelines.writeback import (
    Asked,
    Step,
    WritebackResult,
    looked_at_or_applied,
    owners_of,
    withheld,
)
from serving.headline import first_step
from serving.news import News
from serving.sinks.tasks import tasks_of
from serving.store_writeback import What
from serving.tasks.plan import Tasks, Wanted, Why, plan_tasks
from serving.tasks.task import working_days_on
from serving.writeback.plan import Plan

TOP = 20
"""How many deals are looked at, and how many tasks may be made, without being told otherwise."""
DUE = 2


@dataclass(frozen=True)
class Chosen:
    """For which deals tasks are asked for, and until when they are to be done.

    :param deals: their ids; none: all that were scored. :param owner: id or name of whose deals.
    :param top: of how many of them, the most urgent ones; None: of all that are named, else :data:`TOP`.
    :param due: working days from today.
    """

    deals: tuple[str, ...] = ()
    owner: str | None = None
    top: int | None = None
    due: int = DUE

    @property
    def options(self) -> tuple[str, ...]:
        """As they were given to the command."""
        given = [word for one in self.deals for word in ("--deal", one)]
        given += ["--owner", self.owner] if self.owner is not None else []
        given += ["--top", str(self.top)] if self.top is not None else []
        return (*given, *(["--due", str(self.due)] if self.due != DUE else []))


@dataclass(frozen=True)
class TasksResult(WritebackResult):
    """Tasks that would be made, or have been.

    :param left_out: the deals that get none, by id, and why; :param order: the deals by urgency.
    """

    left_out: Mapping[str, Why] = field(default_factory=dict)
    order: tuple[str, ...] = ()


def definitions(sink_name: str, home: Home) -> str:
    """What an administrator has to create at a sink before tasks can be made there."""
    return tasks_of(sink_called(sink_name, load_config(home)).sink).definitions()


def tasks(sink_name: str, chosen: Chosen, home: Home, asked: Asked, step: Step) -> TasksResult:
    """Make tasks of the next steps of the newest scoring run's deals; without a hash only look at them.

    :raises WrongUse: where there is no such sink, deal or owner, or the sink holds no tasks; DataRefused: where the
        plan is not what was confirmed, or makes more tasks than it may.
    """
    config = load_config(home)
    place, store = tasks_of(sink_called(sink_name, config).sink), scored_store(home, config)
    news = News.of(store)
    if news is None:
        raise nothing_scored(home)
    run_id, rows = news.run.run_id, store.listed(news.run.run_id)
    due = working_days_on(datetime.now(ZoneInfo(config.zone)).date(), chosen.due)
    picked = _picked(rows, news, chosen, withheld(store, config))
    found: list[Tasks] = []

    def read(done: int, of: int) -> None:
        step(f"read {done:,} of {of:,}")

    def plan() -> Plan:
        standing = store.standing_at(place.address)
        found[:] = [plan_tasks(place, run_id, picked.wanted, standing, due, read)]
        return found[0].plan

    made, most, applied = looked_at_or_applied(plan, place, store, asked, TOP, step, What.TASKS)
    owners = {row["owner_id"]: row["owner"] for row in rows if row["owner_id"]}
    return TasksResult(
        sink_name,
        made,
        most,
        config.formats,
        {row["opportunity_id"]: row["name"] or "" for row in rows},
        rows[0]["as_of"] if rows else None,
        applied,
        What.TASKS,
        chosen.options,
        {**owners, **owners_of(store)},
        left_out={**picked.left_out, **found[0].left_out},
        order=tuple(one.opportunity_id for one in picked.wanted),
    )


@dataclass(frozen=True)
class _Picked:
    """The deals that were asked for: steps that may become tasks, and deals that get none, and why."""

    wanted: tuple[Wanted, ...]
    left_out: Mapping[str, Why]


def _picked(rows: Sequence[Mapping[str, Any]], news: News, chosen: Chosen, held_back: Collection[str]) -> _Picked:
    rows = _asked_for(rows, chosen)
    told = news.told([row["opportunity_id"] for row in rows])
    most = chosen.top if chosen.top is not None else len(rows) if chosen.deals else TOP
    wanted: list[Wanted] = []
    left_out: dict[str, Why] = {}
    for row in rows:
        if len(wanted) == most:
            break
        one = row["opportunity_id"]
        following = first_step(told[one]["coaching"])
        if one in held_back:
            left_out[one] = Why.WITHHELD
        elif following is None:
            if chosen.deals:
                left_out[one] = Why.WITHOUT
        elif one in news.snoozed:
            left_out[one] = Why.SNOOZED
        else:
            wanted.append(Wanted(one, row["owner_id"], following))
    return _Picked(tuple(wanted), left_out)


def _asked_for(rows: Sequence[Mapping[str, Any]], chosen: Chosen) -> list[Mapping[str, Any]]:
    """The deals that the options name. Raises WrongUse for one that was not scored, or an owner who has none."""
    known = {row["opportunity_id"] for row in rows}
    for one in chosen.deals:
        if one not in known:
            raise WrongUse(
                f"'{one}' is no deal of the newest scoring run",
                where="--deal",
                expected="the id of an open deal, as `dealcast score` lists them",
            )
    named = [row for row in rows if not chosen.deals or row["opportunity_id"] in chosen.deals]
    if chosen.owner is None:
        return named
    called = {str(row["owner_id"] or row["owner"]): row["owner"] for row in rows}
    owner = whom(called, chosen.owner, "--owner", f"nobody called '{chosen.owner}' has an open deal")
    return [row for row in named if str(row["owner_id"] or row["owner"]) == owner]
