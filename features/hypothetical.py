"""Features as they would be had something happened: events added to deals' own histories, everything else as it is.

A single feature cannot be changed by itself: who has met the buyer today has also been in touch today. So rows are
added to copies of a deal's own rows, and the same kernel answers for the copies. Owners, accounts, segments and the
company keep the streams that they have, as a part of a company does (:mod:`features.partitions`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm.parts import OF_DEALS
from crm.tables import CrmTables
from features.engines import COMPANY, OWN, Prepared, Snapshots, compute, prepare
from features.histories import FIELD_OF, OF_OWN, Histories

ID = "opportunity_id"
COPY = "copy"
"""The column of added rows that says which copy they belong to."""

MOST_COPIES = 20_000
"""Copies that are answered together; more of them take more memory and no less time each."""


def features_with(
    prepared: Prepared,
    deal: np.ndarray,
    as_of: int,
    added: Mapping[str, pd.DataFrame],
    names: tuple[str, ...],
) -> pd.DataFrame:
    """The named features, at `as_of` (milliseconds), of copies of deals to which rows have been added.

    :param prepared: the company, everything later than `as_of` forgotten.
    :param deal: (c,) which deal each copy is of; a row of opportunities may stand here often.
    :param added: by table, rows with the table's columns (those not given are missing) and the column `copy`, a place
        in `deal`, instead of an opportunity_id. None may be known only after `as_of`. A row of changes begins at the
        value that the deal has.
    Returns one row a copy, one float32 column a feature.
    """
    makes = _Copies(prepared)
    parts = []
    for start in range(0, len(deal), MOST_COPIES):
        stop = min(start + MOST_COPIES, len(deal))
        part = makes.prepared(deal[start:stop], {table: _of(rows, start, stop) for table, rows in added.items()})
        snapshots = Snapshots(np.arange(stop - start), np.full(stop - start, as_of, dtype=np.int64))
        parts.append(compute(part, snapshots, names))
    if not parts:
        return pd.DataFrame({name: np.zeros(0, np.float32) for name in names})
    return pd.concat(parts, ignore_index=True)


class _Copies:
    """Makes companies of copies; what every one of them shares is found once."""

    def __init__(self, prepared: Prepared) -> None:
        self._whole = prepared
        self._tables = prepared.histories.tables
        streams = prepared.catalogue.streams
        self._entities = {name: one for name, one in prepared.streams.items() if streams[name].entity != OWN}
        self._levels = _levels(prepared)
        self._rows = {
            table: _RowsOfDeals(self._tables.deal_of(table), len(prepared.histories))
            for table in OF_DEALS[1:]
            if table in self._tables.frames
        }

    def prepared(self, deal: np.ndarray, added: Mapping[str, pd.DataFrame]) -> Prepared:
        """The copies' own streams beside those of the company's entities."""
        ids = _ids(len(deal))
        frames = {"opportunities": self._tables["opportunities"].take(deal).assign(opportunity_id=ids.array)}
        for table in OF_DEALS[1:]:
            if table in self._rows:
                row, copy = self._rows[table].of(deal)
                frames[table] = self._tables[table].take(row).assign(opportunity_id=ids.take(copy).array)
        for table, rows in added.items():
            frames[table] = _appended(frames.get(table, self._tables[table]), rows, ids)
        frames = {table: frame.reset_index(drop=True) for table, frame in frames.items()}
        tables: CrmTables = self._tables.with_frames(**frames).part_of(self._tables.facts)
        histories = Histories(tables, self._levels)
        return prepare(histories, self._whole.catalogue, self._whole.calendar, self._entities)


class _RowsOfDeals:
    """Where each deal's rows stand in a table."""

    def __init__(self, deal: np.ndarray, deals: int) -> None:
        self._order = np.argsort(deal, kind="stable")
        self._first = np.searchsorted(deal[self._order], np.arange(deals + 1))

    def of(self, deal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of each deal asked for, and whose they are: a row number and a place in `deal`; shape (k,) each."""
        first, count = self._first[deal], np.diff(self._first)[deal]
        copy = np.repeat(np.arange(len(deal)), count)
        step = np.arange(len(copy)) - np.repeat(np.cumsum(count) - count, count)
        return self._order[first[copy] + step], copy


def _of(rows: pd.DataFrame, start: int, stop: int) -> pd.DataFrame:
    """The rows of the copies from `start` on, before `stop`; copies numbered anew."""
    mine = rows[(rows[COPY] >= start) & (rows[COPY] < stop)]
    return mine.assign(**{COPY: mine[COPY] - start})


def _ids(copies: int) -> pd.Series:
    """An id for each copy; ids sort as copies are numbered."""
    return pd.Series([f"{copy:09d}" for copy in range(copies)], dtype="str")


def _appended(frame: pd.DataFrame, rows: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """A table with rows added behind its own; what they do not say is missing."""
    named = rows.assign(**{ID: ids.take(rows[COPY].to_numpy()).array})
    filled = {name: named[name] if name in named else _missing(frame[name], len(rows)) for name in frame.columns}
    typed = pd.DataFrame({name: column.to_numpy() for name, column in filled.items()}).astype(frame.dtypes)
    return pd.concat([frame, typed], ignore_index=True) if len(frame) else typed


def _missing(like: pd.Series, count: int) -> pd.Series:
    return pd.Series([None] * count, dtype=object).astype(like.dtype)


def _levels(prepared: Prepared) -> dict[str, pd.Index]:
    """What the codes of all entities stand for in the whole company, by field."""
    asked = {prepared.catalogue.streams[name].entity for name in prepared.streams}
    entities = {one for entity in asked for one in ((entity,) if isinstance(entity, str) else entity)}
    histories = prepared.histories
    return {
        FIELD_OF.get(one, one.removeprefix(OF_OWN)): histories.entity_levels(one) for one in entities - {OWN, COMPANY}
    }
