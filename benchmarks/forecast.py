"""Forecasts of the past beside what people use: simulated companies by quarter, loan offers by the next days."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks._real_data import real_data
from benchmarks._simulated import DEALS, SEEDS
from crm.clock import parse_as_of
from crm.hierarchy import LEVELS
from crm.history import data_through
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from features.histories import Histories
from features.settings import TimeWishes, propose
from training.forecast.backtest import Stretch, Trial, stretches, tried
from training.forecast.moments import within
from training.forecast.record import OURS
from training.forecast.summary import Score, scores_of, summary, with_own_ranges
from training.scores import mean_interval
from training.settings import BoostingSettings, Thresholds

TITLE = "Forecast: past periods, from every week of theirs, beside what people use"
WEEKS = (13.0, 8.0, 4.0, 1.0)
NEXT_WEEKS = (26.0, 21.0, 17.0, 14.0)
OFFERS_FROM, OFFERS_UNTIL = "2011-11-20", "2012-01-15"


def run() -> str:
    """Two sections; that of loan offers where they are."""
    text = ["### Simulated companies", "", *simulated_section([_simulated(seed) for seed in SEEDS])]
    folder = real_data("loan_offers")
    if folder is not None:
        tables = read_folder(folder).tables
        histories = Histories(replace(tables, fixed=tables.fixed | {"amount"}))
        text += ["", "### Loan offers: accepted amount of the next days", ""]
        text += loans_section({days: loan_offers(histories, days) for days in (7, 28)})
    return "\n".join(text)


def _simulated(seed: int) -> pd.DataFrame:
    """The record of one simulated company, all full quarters that can be tried, eight at most."""
    histories = Histories(simulate(SimulatorSettings(deals=DEALS, seed=seed)).tables)
    until = data_through(histories.tables)
    calendar = propose(histories).calendar
    trial = Trial(histories, calendar, until, BoostingSettings(), Thresholds(), TimeWishes())
    record = pd.DataFrame()
    for stretch in stretches(calendar, int(histories.episodes.opened.min()), until):
        record = pd.concat([record, tried(trial, stretch, record)], ignore_index=True)
    print(f"   {time.strftime('%H:%M:%S')} simulated company {seed}", file=sys.stderr, flush=True)
    return record


def loan_offers(histories: Histories, days: int) -> pd.DataFrame:
    """The record of the next so many days, fitted anew at every Sunday's end from which they are over in the tables."""
    until = parse_as_of(OFFERS_UNTIL)
    trial = Trial(histories, None, until, BoostingSettings(), Thresholds(), TimeWishes())
    record, at = pd.DataFrame(), parse_as_of(OFFERS_FROM)
    while (moment := within(at, (days,))).ends[-1] <= until:
        record = pd.concat([record, tried(trial, Stretch(at, (moment,)), record)], ignore_index=True)
        at = within(at, (7,)).ends[0]
    return record


def simulated_section(records: list[pd.DataFrame]) -> list[str]:
    """Errors beside the baselines, bias, ranges and CRPS; of all companies together."""
    # Each company's baselines know their errors in that company alone.
    ranged = [with_own_ranges(record).assign(company=seed) for seed, record in enumerate(records)]
    together = pd.concat(ranged, ignore_index=True)
    scores = _of_all(together)
    company = [score for score in scores if score.level == "company"]
    seen = together[(together["method"] == OURS) & (together["level"] == "company")]
    quarters = seen[seen["window"] == 0].groupby("company")["period_end"].nunique().sum()
    return [
        f"{len(records)} companies of {DEALS:,} deals and 30 seats, {quarters} quarters, {len(seen):,} forecasts of "
        "the company. Models fitted anew at the beginning of each quarter on what was known by then (the first one on "
        "ten and a half months), answering its weeks; ranges and corrections from quarters that were over. "
        "Off by Σ|forecast − what came| ÷ Σ what came, the revenue of the whole quarter; where a baseline cannot say "
        "anything of some (a company's first year has no year before), in brackets ours of the forecasts that it made:",
        "",
        *_errors(company, 0, WEEKS, "weeks before the end of the quarter"),
        "",
        "The quarter after that one:",
        "",
        *_errors(company, 1, NEXT_WEEKS, "weeks before its end"),
        "",
        "Ours in that quarter and the one after: too high (+) or low (−), its interval over quarters and companies; "
        "CRPS ÷ what came, beside the best baseline's with the range of its own earlier errors, on the same forecasts:",
        "",
        *_ours(company),
        "",
        "Share of what came within the 80 % range, all weeks, with its interval over quarters; in square brackets with "
        "ties (an owner who wins nothing) broken by chance, as a range with a point in it cannot hold exactly 80 %:",
        "",
        *_held(together),
    ]


def _of_all(together: pd.DataFrame) -> list[Score]:
    """Scores of several companies' records as of one; the quarters of each count as periods of their own."""
    apart = together["company"].to_numpy() * 10**13
    shifted = together.assign(**{name: together[name] + apart for name in ("period_end", "as_of")})
    shifted["key"] = shifted["company"].astype(str) + " " + shifted["key"]
    return scores_of(shifted)


def _errors(company: list[Score], window: int, weeks: tuple[float, ...], when: str) -> list[str]:
    found = {(s.method, s.weeks_left): s for s in company if s.window == window}
    lines = [f"| {when} | " + " | ".join(f"{week:.0f}" for week in weeks) + " |", "|---|" + "---|" * len(weeks)]
    for method in sorted({method for method, _ in found}, key=lambda name: (name != OURS, name)):
        cells = []
        for week in weeks:
            score, ours = found.get((method, week)), found[OURS, week]
            beside = f" (ours {score.beside:.1%} on {score.forecasts})" if score is not None else ""
            fewer = score is not None and score.forecasts < ours.forecasts
            cells.append("–" if score is None else f"{score.wape:.1%}{beside if fewer else ''}")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def _ours(company: list[Score]) -> list[str]:
    lines = [
        "| weeks to the end | forecasts | bias | CRPS | best baseline's | ours of the same |",
        "|---|---|---|---|---|---|",
    ]
    for window, weeks in ((0, WEEKS), (1, NEXT_WEEKS)):
        for week in weeks:
            here = [score for score in company if score.window == window and score.weeks_left == week]
            ours = next(score for score in here if score.method == OURS)
            best = min((s for s in here if s.method != OURS and not np.isnan(s.crps)), key=lambda score: score.crps)
            lines.append(
                f"| {week:.0f} | {ours.forecasts} | {ours.bias:+.1%} ({ours.bias_low:+.1%} to {ours.bias_high:+.1%}) | "
                f"{ours.crps:.3f} | {best.crps:.3f} ({best.method}) | {best.ours:.3f} |"
            )
    return lines


def _held(together: pd.DataFrame) -> list[str]:
    ours = together[(together["method"] == OURS) & ((together["forecast"] > 0) | (together["actual"] > 0))]
    held = (ours["p10"] - 0.005 <= ours["actual"]) & (ours["actual"] <= ours["p90"] + 0.005)
    strictly = (ours["p10"] + 0.005 < ours["actual"]) & (ours["actual"] < ours["p90"] - 0.005)
    even = (held.astype(float) + strictly.astype(float)) / 2
    quarter = (ours["company"].astype(str) + " " + ours["period_end"].astype(str)).to_numpy()
    lines = ["| level | this quarter | forecasts | the next | forecasts |", "|---|---|---|---|---|"]
    for level in LEVELS:
        cells = []
        for window in (0, 1):
            here = ((ours["level"] == level) & (ours["window"] == window)).to_numpy()
            share = mean_interval(held[here].to_numpy(float), np.ones(here.sum()), quarter[here])
            said = f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}) [{even[here].mean():.1%}]"
            cells.append(f"{said} | {here.sum():,}")
        lines.append(f"| {level} | {' | '.join(cells)} |")
    return lines


def loans_section(records: dict[int, pd.DataFrame]) -> list[str]:
    """Errors beside the baselines for each span of days."""
    lines = [
        f"From each Sunday's end from {OFFERS_FROM} on, fitted anew on what was known then, judged within the table "
        f"(to {OFFERS_UNTIL}). Off by Σ|forecast − what came| ÷ Σ what came:",
        "",
        "| next days | origins | method | off by | too high (+) or low (−) | within the 80 % range |",
        "|---|---|---|---|---|---|",
    ]
    for days, record in records.items():
        company = [score for score in summary(record) if score.level == "company"]
        for score in sorted(company, key=lambda one: one.wape):
            inside = "–" if np.isnan(score.inside) else f"{score.inside:.0%}"
            row = f"| {days} | {score.forecasts} | {score.method} | {score.wape:.1%} | {score.bias:+.1%} | {inside} |"
            lines.append(row)
    return lines
