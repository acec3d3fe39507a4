"""A company cut into parts of any deals tells, of every deal at every date, what it tells as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.clock import DAY, event_millis
from crm.history import known_by
from crm.parts import OF_DEALS, OnePart
from crm.tables import CrmTables
from features.dataset import scoring_set, training_set
from features.families.calendar import YEARS
from features.feature import Vocabulary
from features.glimpse import Glimpse, glimpse, joined
from features.histories import Histories
from features.partitions import Common, Grid, InProcess, Open, absent_features, known_features, survey
from features.settings import TimeWishes, propose
from tests.histories import DAY_US, EPOCH, EVERYTHING, Life, change, company, crm, deal, show

END = EPOCH // 1000 + Life().days * DAY
KEYS = ["opportunity_id", "as_of"]
LABELS = ["outcome", "days", "stalled", "amount_ratio"]
seeds = given(seed=st.integers(0, 2**32 - 1))


def examples(count: int) -> settings:
    """So many companies; a seed does not shrink."""
    return settings(max_examples=count, phases=(Phase.explicit, Phase.reuse, Phase.generate))


class InParts:
    """A company in parts of any deals, in the place of one in parts on disk."""

    def __init__(self, tables: CrmTables, part_of: Mapping[str, int], count: int) -> None:
        self.tables, self.count = tables, count
        there = [table for table in OF_DEALS if table in tables.frames]
        # As on disk, what belongs to no deal stands in the first part.
        number = {table: tables[table]["opportunity_id"].map(part_of).fillna(0) for table in there}
        self.rows = {t: [tables[t][at == n].reset_index(drop=True) for n in range(count)] for t, at in number.items()}

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[CrmTables]:
        return (self._part({table: rows[n] for table, rows in self.rows.items()}) for n in range(self.count))

    def without_rows(self) -> CrmTables:
        return self._part({table: self.tables[table].iloc[:0] for table in self.rows})

    def _part(self, frames: Mapping[str, pd.DataFrame]) -> CrmTables:
        return self.tables.with_frames(**frames).part_of(self.tables.facts)


AnyParts = InParts | OnePart


def in_parts(rng: np.random.Generator, tables: CrmTables, count: int) -> InParts:
    """Each deal in any of so many parts."""
    ids = tables["opportunities"]["opportunity_id"]
    return InParts(tables, dict(zip(ids, rng.integers(0, count, len(ids)).tolist(), strict=True)), count)


def a_date(rng: np.random.Generator, tables: CrmTables) -> int:
    """A date within the company's life, often the very millisecond of an event, or the one before."""
    times = event_millis(pd.concat([tables["changes"]["changed_at"], tables["opportunities"]["created_at"]]))
    inside = times[(times > EPOCH // 1000 + 20 * DAY) & (times < END)]
    if not len(inside) or rng.random() < 0.3:
        return int(rng.integers(EPOCH // 1000 + 20 * DAY, END))
    return int(rng.choice(inside) - rng.integers(2))


class Told(NamedTuple):
    """What a company tells: what all parts share, which features it has, and its rows by deal and date."""

    common: Common
    names: tuple[str, ...]
    absent: dict[str, str]
    on_the_grid: pd.DataFrame
    while_open: pd.DataFrame


def told(parts: AnyParts, as_of: int, vocabulary: Vocabulary | None = None) -> Told:
    """What the company tells as of a date, and of the deals that were open on it or on two days before."""
    common = survey(parts, InProcess(), as_of, TimeWishes(), vocabulary).common
    names = known_features(common, parts)
    rows = [rows_of(parts, work) for work in (Grid(common, names), Open(common, names, asked_about(as_of)))]
    return Told(common, names, absent_features(common, parts), *rows)


def asked_about(as_of: int) -> tuple[int, ...]:
    """The dates on which deals were open."""
    return (as_of - 40 * DAY, as_of - 3 * DAY, as_of)


def rows_of(parts: AnyParts, work: Grid | Open) -> pd.DataFrame:
    """The rows of all parts, by deal and date (milliseconds)."""
    answers = list(InProcess().each(parts, work, work.schema))
    assert len(answers) == len(parts)
    assert all(answer.schema.equals(work.schema) for answer in answers)
    rows = pa.concat_tables(answers).to_pandas()
    return rows.assign(as_of=event_millis(rows["as_of"])).sort_values(KEYS, ignore_index=True)


def assert_same(one: Told, other: Told) -> None:
    """The same to the last bit."""
    for name in ("as_of", "until", "facts", "vocabulary", "time"):
        assert getattr(one.common, name) == getattr(other.common, name), name
    assert (one.names, one.absent) == (other.names, other.absent)
    for field, levels in one.common.levels.items():
        assert list(levels) == list(other.common.levels[field])
    assert one.common.entities.keys() == other.common.entities.keys()
    for name in one.common.entities:
        pd.testing.assert_frame_equal(events_of(one.common, name), events_of(other.common, name), check_exact=True)
    for ours, theirs in ((one.on_the_grid, other.on_the_grid), (one.while_open, other.while_open)):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def events_of(common: Common, stream: str) -> pd.DataFrame:
    """The events of owners, accounts or the like that all parts were told, in an order of their own."""
    events = common.entities[stream]
    frame = pd.DataFrame({"key": events.key, "at": events.at, **events.columns})
    return frame.sort_values(list(frame), ignore_index=True)


@examples(4)
@seeds
def test_whichever_part_a_deal_stands_in_the_company_tells_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng, Life(days=int(rng.choice((60, 300)))), complete=bool(rng.random() < 0.3)), rng)
    as_of = END if rng.random() < 0.4 else a_date(rng, tables)
    parts = in_parts(rng, tables, int(rng.integers(2, 5)))
    assert_same(told(parts, as_of), told(OnePart(tables), as_of))


@examples(2)
@seeds
def test_rows_part_by_part_are_those_of_the_training_set_and_of_the_scoring_set(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng, complete=bool(rng.random() < 0.5)), rng)
    as_of = END if rng.random() < 0.4 else a_date(rng, tables)
    found = told(in_parts(rng, tables, 3), as_of)
    histories = Histories(known_by(tables, as_of))
    assert found.common.time == propose(histories)
    training = training_set(histories, found.common.time, found.common.until)
    assert (training.vocabulary, training.absent) == (found.common.vocabulary, found.absent)
    own = {"as_of": training.snapshots.as_of, "stage": training.stage, "group": training.group}
    whole = training.frame().assign(**own).sort_values(KEYS, ignore_index=True)
    columns = [*KEYS, "stage", "group", *LABELS, *training.features]
    pd.testing.assert_frame_equal(
        found.on_the_grid[columns], whole[columns], check_exact=True, check_dtype=False, check_column_type=False
    )
    # What tells nothing is left out by whoever trains; it cannot be known part by part.
    told_nothing = found.on_the_grid[[name for name in found.names if name not in training.features]]
    assert (told_nothing.nunique(dropna=False) <= 1).all()
    for date in asked_about(as_of):
        scoring = scoring_set(histories, found.common.vocabulary, found.names, date)
        then = found.while_open[found.while_open["as_of"] == date]
        assert then["opportunity_id"].tolist() == histories.deals["opportunity_id"][scoring.snapshots.deal].tolist()
        pd.testing.assert_frame_equal(
            then[list(found.names)].reset_index(drop=True), scoring.features, check_exact=True, check_column_type=False
        )


@examples(4)
@seeds
def test_glimpses_of_all_parts_joined_are_a_glimpse_of_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = show(company(rng), rng)
    until = END if rng.random() < 0.5 else a_date(rng, tables)
    parts = in_parts(rng, tables, 3)
    found = joined([glimpse(Histories(part), until) for part in parts])
    whole = glimpse(Histories(tables), until)
    assert (found.facts, found.deals, found.through) == (whole.facts, whole.deals, whole.through)
    assert counts(found.kinds) == counts(whole.kinds)
    assert {f: counts(of) for f, of in found.levels.items()} == {f: counts(of) for f, of in whole.levels.items()}
    assert spans(found) == spans(whole)


def counts(deals: pd.Series) -> list[tuple[str, int]]:
    """Levels in their order, with how many deals have had each."""
    return list(zip(deals.index.tolist(), deals.tolist(), strict=True))


def spans(of: Glimpse) -> list[tuple[int, ...]]:
    """Each span in which a deal was open, in an order of their own."""
    return sorted(zip(*(getattr(of.spans, one.name).tolist() for one in fields(of.spans)), strict=True))


# Parts out of the ordinary --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything() -> CrmTables:
    """A company that has every table; of two deals it has nothing else."""
    whole = show(company(np.random.default_rng(11), complete=True))
    bare = crm([deal("bare", EPOCH + 9 * DAY_US), deal("late", EPOCH + 290 * DAY_US)])["opportunities"]
    deals = pd.concat([whole["opportunities"], bare], ignore_index=True).astype(bare.dtypes)
    return whole.with_frames(opportunities=deals)


@pytest.fixture(scope="module")
def whole(everything: CrmTables) -> Told:
    """What it tells, before the last deal was created."""
    return told(OnePart(everything), END - 20 * DAY)


@pytest.mark.parametrize(
    "part_of",
    [
        lambda key: int(key == "bare"),  # nobody has a change, an activity or a role
        lambda key: int(key == "late"),  # nobody is there yet
        lambda key: 2 * int(key > "d3"),  # nobody at all stands in the second part
        lambda key: 1,  # nor in the first, where the tables that are no deal's are told
    ],
    ids=["no events", "not yet", "no deal", "no deal in the first"],
)
def test_a_part_in_which_there_is_nothing_is_no_trouble(
    everything: CrmTables, whole: Told, part_of: Callable[[str], int]
) -> None:
    ids = everything["opportunities"]["opportunity_id"]
    parts = InParts(everything, {key: part_of(key) for key in ids}, 3)
    assert any(len(known_by(part, whole.common.as_of)["changes"]) == 0 for part in parts)
    assert_same(told(parts, whole.common.as_of), whole)


def test_a_field_that_only_one_part_has_ever_seen_changed_is_tracked_in_all() -> None:
    changes = [change("a", EPOCH + 5 * DAY_US, "region", "North", "South")]
    rows = [deal("a", EPOCH, region="South"), deal("b", EPOCH, region="South"), deal("c", EPOCH, region="West")]
    parts = InParts(crm(rows, changes=changes), {"a": 0, "b": 1, "c": 2}, 3)
    found = told(parts, END)
    assert found.common.vocabulary.segments == ("region",)
    assert list(found.common.levels["region"]) == ["North", "South", "West"]
    assert "region_win_rate" in found.names
    assert found.while_open["region_win_rate"].notna().all()


def test_a_value_against_the_deals_own_history_makes_no_segment_in_whichever_part_it_stands() -> None:
    rows = [deal("a", EPOCH, region="South"), deal("b", EPOCH + 50 * DAY_US)]  # the change says North
    tables = crm(rows, changes=[change("a", EPOCH + 5 * DAY_US, "region", None, "North")])
    for as_of in (EPOCH // 1000 + 20 * DAY, END):
        found = [told(parts, as_of) for parts in (OnePart(tables), InParts(tables, {"a": 0, "b": 1}, 2))]
        assert [each.common.vocabulary.segments for each in found] == [(), ()]
        assert found[0].names == found[1].names
        pd.testing.assert_frame_equal(found[0].on_the_grid, found[1].on_the_grid, check_exact=True)


def test_deals_won_at_one_instant_are_put_in_one_order_from_whichever_parts_they_come() -> None:
    won = EPOCH + 100 * DAY_US
    rows = [deal(key, EPOCH + i * 7_001_000, "Closed Won", closed_at=won, is_won=True) for i, key in enumerate("abc")]
    tables = crm(rows, changes=[change(key, won, "stage", "Prospect", "Closed Won") for key in "abc"])

    def stays(*part_of: int) -> list[float]:
        parts = InParts(tables, dict(zip("abc", part_of, strict=True)), 3)
        common = survey(parts, InProcess(), END, TimeWishes()).common
        return common.prepared(parts.without_rows()).streams["won_stays"]._columns["millis"].tolist()

    assert len(set(stays(0, 1, 2))) == 3
    assert stays(0, 1, 2) == stays(2, 1, 0) == stays(1, 2, 0)


def test_the_tables_that_are_no_deals_and_what_is_made_of_no_row_are_told_once(everything: CrmTables) -> None:
    parts = in_parts(np.random.default_rng(0), everything, 4)
    entities = survey(parts, InProcess(), END, TimeWishes(), EVERYTHING).common.entities
    assert len(entities["account_facts"]) == len(everything["accounts"])
    assert len(entities["owner_starts"]) == len(everything["users"])
    assert len(entities["years"]) == len(YEARS)


def test_parts_but_the_first_know_the_accounts_of_their_deals_too(everything: CrmTables) -> None:
    not_in_the_first = InParts(everything, dict.fromkeys(everything["opportunities"]["opportunity_id"], 1), 2)
    here, there = (
        survey(parts, InProcess(), END, TimeWishes(), EVERYTHING).common
        for parts in (OnePart(everything), not_in_the_first)
    )
    for name in ("account_industry_closings", "account_country_closings"):
        whole = events_of(here, name)
        assert (whole["key"] >= 0).any()
        pd.testing.assert_frame_equal(events_of(there, name), whole, check_exact=True)


def test_what_came_of_a_deal_is_what_was_known_of_it_by_the_date() -> None:
    """It was lost, and won after all: whoever asked in between was told that it was lost."""
    moves = [("Prospect", "Closed Lost", 10), ("Closed Lost", "Closed Won", 30)]
    changes = [change("d", EPOCH + day * DAY_US, "stage", old, new) for old, new, day in moves]
    rows = [deal("d", EPOCH, "Closed Won", closed_at=EPOCH + 10 * DAY_US, is_won=True), deal("e", EPOCH)]
    tables = crm(rows, changes=changes)

    def outcomes(as_of_day: int) -> set[int]:
        rows = told(InParts(tables, {"d": 1}, 2), EPOCH // 1000 + as_of_day * DAY).on_the_grid
        return set(rows["outcome"][rows["opportunity_id"] == "d"])

    assert (outcomes(20), outcomes(40)) == ({0}, {1})


def test_the_words_of_a_model_are_taken_as_they_are(everything: CrmTables) -> None:
    words = Vocabulary(kinds=("Webinar", "never heard of"), segments=("region",), seasoned=True)
    parts = in_parts(np.random.default_rng(1), everything, 3)
    common = survey(parts, InProcess(), END, TimeWishes(), words).common
    assert common.vocabulary is words
    names = known_features(common, parts)
    assert {"region_win_rate", "company_win_rate"} <= set(names)
    assert "type_win_rate" not in names


def test_what_the_configuration_wishes_of_time_is_kept(everything: CrmTables) -> None:
    wishes = TimeWishes(grid_days=3, stall_days=5, period="month", year_starts_in=4)
    time = survey(OnePart(everything), InProcess(), END, wishes).common.time
    assert (time.grid_days, time.stall_days) == (3, 5)
    assert (time.calendar.period, time.calendar.year_starts_in) == ("month", 4)


def test_a_feature_that_these_tables_cannot_give_is_asked_for_and_not_known(everything: CrmTables) -> None:
    poorer = everything.with_frames(activities=everything["activities"].iloc[:0])
    common = survey(OnePart(poorer), InProcess(), END, TimeWishes(), EVERYTHING).common
    assert "touches_7d" in absent_features(common, OnePart(poorer))
    rows = rows_of(OnePart(poorer), Open(common, ("touches_7d", "age_days"), (END,)))
    assert rows["touches_7d"].isna().all()
    assert rows["age_days"].notna().all()


def test_dates_are_answered_one_after_the_other(everything: CrmTables) -> None:
    common = survey(OnePart(everything), InProcess(), END, TimeWishes()).common
    dates = (END - 50 * DAY, END - DAY)
    work = Open(common, ("age_days",), dates)
    (answer,) = InProcess().each(OnePart(everything), work, work.schema)
    asked = event_millis(answer.to_pandas()["as_of"])
    assert sorted(set(asked)) == list(dates)
    assert (np.diff(asked) >= 0).all()
