"""The playbook: the champion's, or that of the tables where there is no champion yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from crm.errors import WrongUse
from features.catalogue import Catalogue, catalogue
from pipelines.answers import BASELINE, history
from pipelines.champion import found_store, model_of
from pipelines.company import Company, open_company
from pipelines.config import Config, Home, load_config
from serving.playbook import done, in_process
from serving.sinks.files import check_target, write_table
from training.playbook import playbook as playbook_of


@dataclass(frozen=True)
class Book:
    """A playbook with what it was made from.

    :param pages: as :func:`training.playbook.playbook` makes it.
    :param until: up to when the deals are known that it was made from, milliseconds.
    """

    pages: Mapping[str, Any]
    catalogue: Catalogue
    version: str
    closed: int
    won: int
    until: int


@dataclass(frozen=True)
class PlaybookResult:
    """A playbook, and which part of it is wanted.

    :param segment: field and value of the deals that it is told for; None: all.
    """

    book: Book
    stages: list[str]
    segment: tuple[str, str] | None
    notes: tuple[str, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of deals that it is told for."""
        return {} if self.segment is None else dict([self.segment])


def playbook(
    data: Path | None, as_of: str, home: Home, stage: str | None, segment: str | None, out: Path | None
) -> PlaybookResult:
    """The champion's playbook. Raises WrongUse where there is no champion and no data, or no such stage or segment."""
    if out is not None:
        check_target(out)
    config = load_config(home)
    book = champions_book(home, config)
    notes: tuple[str, ...] = ()
    if book is None:
        if data is None:
            raise WrongUse(
                "there is no champion here whose playbook could be told",
                where=str(home.path),
                remedy="name the tables to make one from: --data DIR; or train: dealcast train --data DIR --home DIR",
            )
        company = open_company(data, as_of, config)
        book, notes = own_book(company, config), company.notes
    elif data is not None:
        notes = ("This is the champion's playbook, made from the data that it was trained on; --data changes nothing.",)
    result = PlaybookResult(book, _stages(book, stage), _segment(book, segment), notes)
    if out is not None:
        write_table(playbook_table(result), out)
    return result


def champions_book(home: Home, config: Config) -> Book | None:
    """The playbook that was kept with the champion; None without one."""
    store = found_store(home, config)
    champion = None if store is None else store.champion()
    if champion is None:
        return None
    model = model_of(champion, home)
    told, until = model.facts["reference"], model.facts["data"]["until_millis"]
    known = catalogue(model.vocabulary)
    return Book(told["playbook"], known, champion["version"], told["closed_deals"], told["won_deals"], until)


def own_book(company: Company, config: Config) -> Book:
    """The playbook of the tables themselves. Raises DataRefused where no deal has closed."""
    training, rows = history(company, config)
    known = catalogue(training.vocabulary)
    outcome = pd.Series(rows.outcome[rows.outcome >= 0], index=rows.deal[rows.outcome >= 0]).groupby(level=0).max()
    pages = playbook_of(rows, training.kinds, known)
    return Book(pages, known, BASELINE, len(outcome), int((outcome == 1).sum()), company.until)


_COLUMNS = ("won_had", "won", "lost_had", "lost", "odds", "low", "high", "holds")


def playbook_table(result: PlaybookResult) -> pd.DataFrame:
    """Every practice that holds in a stage, or in a segment that differs from it: a row each."""
    rows = []
    for stage in result.stages:
        page = result.book.pages["stages"][stage]
        for one in page["practices"]:
            feature = result.book.catalogue.feature(one["feature"])
            assert feature.practice is not None
            said = {"stage": stage, "day": page["day"], "practice": one["id"], "feature": one["feature"]}
            said["had"] = done(feature, feature.practice, one["bound"])
            for record in (one, *one["segments"]):
                kind = {"field": record.get("field", ""), "value": record.get("value", "")}
                rows.append({**said, **kind, **{name: record[name] for name in _COLUMNS}})
    columns = ["stage", "day", "practice", "feature", "had", "field", "value", *_COLUMNS]
    return pd.DataFrame(rows, columns=columns).astype({"day": "Int64"})


def _stages(book: Book, wanted: str | None) -> list[str]:
    stages = in_process(book.pages)
    if wanted is None:
        return stages
    found = [name for name in stages if name.casefold() == wanted.casefold()]
    if not found:
        raise WrongUse(f"there is no stage '{wanted}' in the playbook", where="--stage", expected=_near(wanted, stages))
    return found


def _segment(book: Book, wanted: str | None) -> tuple[str, str] | None:
    if wanted is None:
        return None
    field, separator, value = wanted.partition("=")
    fields: Mapping[str, list[str]] = book.pages["fields"]
    if not separator or field not in fields:
        raise WrongUse(
            f"'{wanted}' is no segment", where="--segment", expected=f"FIELD=VALUE with {_near(field, list(fields))}"
        )
    found = [one for one in fields[field] if one.casefold() == value.casefold()]
    if not found:
        raise WrongUse(
            f"no stage has enough closed deals of {field} '{value}' to tell them apart",
            where="--segment",
            expected=_near(value, fields[field]),
        )
    return field, found[0]


def _near(wanted: str, known: list[str]) -> str:
    return " or ".join(get_close_matches(wanted, known, n=3, cutoff=0.5) or known) or "none here"
