"""Which families carry the signal: what is lost without each."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from benchmarks._real_data import real_data
from crm.clock import parse_as_of
from crm.history import data_through, known_by
from crm.simulator import SimulatorSettings, simulate
from crm.sources.files import read_folder
from features.catalogue import catalogue
from features.dataset import TrainingSet, training_set
from features.histories import Histories
from features.settings import propose
from training.evaluation import choose_cuts, out_of_fold
from training.rows import Rows, all_rows
from training.scores import log_losses, mean_interval
from training.settings import BoostingSettings

TITLE = "Which families carry the signal"
OWN_KINDS = "own activity kinds"
SIMULATED_DEALS = 5_000


def run() -> str:
    """A table a company: the simulated one, and the loan offers where they are there."""
    tables = simulate(SimulatorSettings(deals=SIMULATED_DEALS)).tables
    histories = Histories(tables)
    found = {"The simulated company": training_set(histories, propose(histories), data_through(tables))}
    if (folder := real_data("loan_offers")) is not None:
        until = parse_as_of("2012-01-15")
        loans = Histories(known_by(read_folder(folder).tables, until))
        found["Loan offers (BPI Challenge 2012)"] = training_set(loans, propose(loans), until)
    return "\n\n".join([_HEAD, *(_section(name, training) for name, training in found.items())])


_HEAD = (
    "Out of time and out of group, as in training: fitted on what was known at a first cut, judged on later snapshots "
    "of deals whose account was not learned from. *Lost without it*: by how much the log loss (in thousandths) grows "
    "when the family's features are left out and all else stays, with its interval over deals; what spans 0 cannot be "
    "told from nothing, often because other families say the same. The win column is judged on deals that have closed, "
    "the stall column on snapshots followed through the horizon."
)


def _section(name: str, training: TrainingSet) -> str:
    rows = all_rows(training)
    families = _families(training)
    whole = _Judged(rows, training)
    lines = [
        f"{name}: {len(rows):,} snapshots of {len(np.unique(rows.deal)):,} deals, {len(rows.names)} features. With all "
        f"of them: win log loss {whole.win.mean():.4f} on {len(whole.win):,} snapshots, "
        f"stall log loss {whole.stall.mean():.4f} on {len(whole.stall):,}.",
        "",
        "| family | features | win: lost without it | stall: lost without it |",
        "|---|---|---|---|",
    ]
    found = []
    for family in sorted(set(families)):
        keep = np.array([one != family for one in families])
        less = replace(rows, x=rows.x[:, keep], names=tuple(np.array(rows.names)[keep]))
        without = _Judged(less, training)
        win = mean_interval((without.win - whole.win) * 1000, np.ones(len(whole.win)), whole.win_deal)
        stall = mean_interval((without.stall - whole.stall) * 1000, np.ones(len(whole.stall)), whole.stall_deal)
        lost = float((without.win - whole.win).mean())
        found.append((lost, f"| {family} | {int((~keep).sum())} | {win} | {stall} |"))
        print("  ", name, family, win, stall, file=sys.stderr, flush=True)
    return "\n".join([*lines, *(line for _, line in sorted(found, reverse=True))])


class _Judged:
    """Log losses of later snapshots, by models that had not seen their groups."""

    def __init__(self, rows: Rows, training: TrainingSet) -> None:
        cuts = choose_cuts(rows, training.until, training.time.cycle_days)
        judged = out_of_fold(rows, cuts, training.time, BoostingSettings())
        closed = judged.rows.outcome >= 0
        self.win = log_losses(judged.rows.outcome[closed].astype(float), _probability(judged.win_margin[closed]))
        self.win_deal = judged.rows.deal[closed]
        followed = ~np.isnan(judged.rows.stalled) & ~np.isnan(judged.stall_margin)
        self.stall = log_losses(judged.rows.stalled[followed], _probability(judged.stall_margin[followed]))
        self.stall_deal = judged.rows.deal[followed]


def _families(training: TrainingSet) -> list[str]:
    known = catalogue(training.vocabulary)
    own = {f"{what}:{kind}" for kind in training.vocabulary.kinds for what in ("count", "days_since")}
    return [OWN_KINDS if name in own else known.family_of(name) for name in training.features]


def _probability(margin: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-margin))
