"""The controlled trial of coaching: intervals that hold what is true, effects found as often as promised."""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks._trials import Made, made
from serving.trial.estimate import Difference, difference
from serving.trial.information import WORTH_KNOWING, Information, information

TITLE = "The trial of coaching: coverage, power, looking again and again"
TRIALS = 1000
LOOKED_AT = 300
SIZES = {"deal": (800, 2500), "account": (800, 2500), "owner": (1000, 4000)}
WEEKLY, WEEKS, FIRST = 60, 26, 1200
"""Deals that come in a week, weeks that are looked at after the first answer, deals at the first look."""


def run() -> str:
    """Three sections."""
    rng = np.random.default_rng(1)
    parts = (("Intervals", _intervals), ("What is needed", _needed), ("Looking every week", _weekly))
    text = []
    for title, section in parts:
        started = time.monotonic()
        text += [f"### {title}", "", *section(rng), ""]
        print(f"   {title}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return "\n".join(text)


def _intervals(rng: np.random.Generator) -> list[str]:
    lines = [
        f"Outcomes drawn from chances that the model's are nearly right about; 20 % of units held back; {TRIALS:,} "
        "trials a line. *Covers*: the 95 % interval holds the effect that was put in (it must in 95 %). *False "
        "alarms*: without an effect it leaves none out (it must in 5 %). *p ≤ 5 %*: by drawing the arms anew (199 "
        "draws, 300 trials). Accounts have two deals on the average, owners are 40; deals of one unit are alike beyond "
        "their chances (0.4 in log odds). *Narrower*: the interval against that without the win chance.",
        "",
        "| unit | deals | covers, no effect | false alarms | p ≤ 5 % | covers 10 points | 10 points found | narrower |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, sizes in SIZES.items():
        for n in sizes:
            none = [made(rng, n, kind=kind) for _ in range(TRIALS)]
            empty, full = _told(none), _told([made(rng, n, kind=kind, effect=0.10) for _ in range(TRIALS)])
            p = np.array([trial.difference(draws=199).chance for trial in none[:300]])
            bare = [difference(t.y, t.coached, np.zeros((n, 0)), t.unit, draws=0).error for t in none[:300]]
            narrower = 1 - np.mean([one.error for one in empty[:300]]) / np.mean(bare)
            cells = (
                _share([one.low <= 0 <= one.high for one in empty]),
                _share([one.is_proven for one in empty]),
                _share(list(p <= 0.05)),
                _share([one.low <= 0.10 <= one.high for one in full]),
                _share([one.low > 0 for one in full]),
                f"{narrower:.0%}",
            )
            lines.append(f"| {kind} | {n:,} | {' | '.join(cells)} |")
    return lines


def _needed(rng: np.random.Generator) -> list[str]:
    lines = [
        f"Deals that the report calls needed for {WORTH_KNOWING * 100:.0f} points to show 8 times of 10 (told from 800 "
        f"deals, mean of 100 trials), and how often so many found them ({TRIALS:,} trials):",
        "",
        "| unit | held back | deals needed | 5 points found | found without an effect |",
        "|---|---|---|---|---|",
    ]
    for kind, share in (("deal", 0.1), ("deal", 0.2), ("deal", 0.5), ("account", 0.2)):
        told = [information_of(made(rng, 800, kind=kind, share=share), share).needed for _ in range(100)]
        needed = int(np.mean([one for one in told if one is not None]))
        found = [
            _told([made(rng, needed, kind=kind, share=share, effect=effect) for _ in range(TRIALS)])
            for effect in (WORTH_KNOWING, 0.0)
        ]
        cells = (_share([one.low > 0 for one in found[0]]), _share([one.is_proven for one in found[1]]))
        lines.append(f"| {kind} | {share:.0%} | {needed:,} | {' | '.join(cells)} |")
    return lines


def _weekly(rng: np.random.Generator) -> list[str]:
    """False alarms where the report is looked at every week, with and without waiting for enough."""
    alarms: dict[str, list[bool]] = {"first": [], "later": [], "impatient": []}
    for _ in range(LOOKED_AT):
        whole = made(rng, 20_000, share=0.5)
        n, first, proven = FIRST, None, []
        impatient = any(_upto(whole, early).is_proven for early in range(WEEKLY * 2, FIRST, WEEKLY))
        while first is None or n <= first + WEEKS * WEEKLY:
            if first is None and information_of(_part(whole, n), 0.5).enough:
                first = n
            shown = _upto(whole, n).is_proven
            impatient = impatient or shown
            if first is not None:
                proven.append(shown)
            n += WEEKLY
        alarms["first"].append(proven[0])
        alarms["later"].append(any(proven))
        alarms["impatient"].append(impatient)
    return [
        f"Trials without an effect, {WEEKLY} deals a week, half held back, looked at every week until {WEEKS} weeks "
        f"after the first answer ({LOOKED_AT} trials). An effect seemed proven",
        "",
        f"* at the first answer, with which the report stays, in {_share(alarms['first'])},",
        f"* at it or any of the {WEEKS} looks after it, had the report answered anew, in {_share(alarms['later'])},",
        f"* at any look from the second week on, had it not waited either, in {_share(alarms['impatient'])}.",
    ]


def information_of(trial: Made, share: float) -> Information:
    """What a trial can tell, as the report asks."""
    foreseen = float((trial.p * (1 - trial.p)).mean())
    return information(trial.y, trial.coached, trial.p[:, None], trial.unit, foreseen, share=share, fixed=False)


def _told(trials: list[Made]) -> list[Difference]:
    return [trial.difference(draws=0) for trial in trials]


def _part(trial: Made, n: int) -> Made:
    return Made(trial.y[:n], trial.coached[:n], trial.p[:n], trial.unit[:n])


def _upto(trial: Made, n: int) -> Difference:
    return _part(trial, n).difference(draws=0)


def _share(happened: list[bool]) -> str:
    """A share with its 90 % interval (normal)."""
    share, n = float(np.mean(happened)), len(happened)
    reach = 1.645 * np.sqrt(max(share * (1 - share), 1e-4) / n)
    return f"{share:.1%} ({max(share - reach, 0):.1%} to {min(share + reach, 1):.1%})"
