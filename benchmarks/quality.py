"""How good the answers are: against the truth, beside peers, where there is nothing to learn; and time to retrain."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import _loan_offers, _no_signal, _simulated
from benchmarks._children import child
from benchmarks._loan_offers import CutOff
from benchmarks._no_signal import Refusal, maven
from benchmarks._real_data import real_data
from benchmarks._simulated import LIMIT, OURS, SEEDS
from training.learning import learn
from training.settings import BoostingSettings, Thresholds

TITLE = "Quality: against the truth, beside peers, without a signal"
RETRAINED_DEALS = 50_000


def run() -> str:
    """Four sections; what needs real data is there where they are."""
    loans, no_signal = real_data("loan_offers"), real_data("maven")
    truth, refused = _against_the_truth()
    text = ["### The simulated company: share of what can be known", "", *truth, ""]
    if loans is not None:
        cuts = _loan_offers.cut_offs(loans)
        refused += _shuffled_loans(cuts)
        text += ["### A real pipeline beside its peers: loan offers", "", *_loan_offers.section(cuts), ""]
        _tell("loan offers and their peers")
    if no_signal is not None:
        refused.append(maven(no_signal))
    text += ["### Where there is nothing to learn", "", *_no_signal.section(refused), ""]
    text += ["### Time to retrain", "", *_time_to_retrain()]
    return "\n".join(text)


def _against_the_truth() -> tuple[list[str], list[Refusal]]:
    """The section on simulated companies, and what became of the same trainings with their outcomes shuffled."""
    limit = _simulated.limit_model(BoostingSettings())
    _tell(f"{LIMIT}: {limit.facts['rows']:,} snapshots")
    found, trained, refused = {}, {}, []
    for seed in SEEDS:
        past = _simulated.past_of(seed)
        trained[seed] = learn(past.training, BoostingSettings(), Thresholds())
        found[seed] = _simulated.judged_later(past, {OURS: trained[seed].model, LIMIT: limit})
        refused.append(_no_signal.learned_from_chance(f"simulated, seed {seed}", past.training, seed))
        _tell(f"simulated company {seed}")
    return _simulated.section(found, trained), refused


def _shuffled_loans(cuts: Sequence[CutOff]) -> list[Refusal]:
    return [
        _no_signal.learned_from_chance(f"loan offers, {cut.date}", cut.training, seed) for seed, cut in enumerate(cuts)
    ]


def _time_to_retrain() -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        folder, home = Path(scratch) / "data", Path(scratch) / "home"
        company = child("_retraining", "write", RETRAINED_DEALS, folder)
        told = child("_retraining", "retrain", folder, home, *company["fixed"])
    return _retraining_lines(told, company["events"])


def _retraining_lines(told: dict[str, Any], events: int) -> list[str]:
    whole, computing = told["seconds"]
    lines = [
        f"`dealcast train` on Parquet files of a simulated company: {told['deals']:,} deals with {events:,} changes "
        f"and activities, {told['rows']:,} snapshots × {told['features']} features; two threads, a process of its own. "
        f"From tables to a {'champion' if told['promoted'] else 'refused challenger'} in {whole:.0f} s, "
        f"{computing:.0f} s of computing (all threads together; on a machine that has other work to do the first is "
        f"longer); peak memory {told['peak_gib']:.1f} GiB.",
        "",
        "| step | seconds | share | of computing |",
        "|---|---|---|---|",
    ]
    return lines + [
        f"| {step} | {seconds:.1f} | {seconds / whole:.0%} | {cpu:.1f} |"
        for step, (seconds, cpu) in told["steps"].items()
    ]


def _tell(what: str) -> None:
    print(f"   {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
