"""The playbook: does it find what was put in, leave out what is of no use, and hold its tongue where nothing is."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks._injected import COUNTED, DEED, LOST_HAD, STAGE, USELESS, WITHIN_DAYS, WON_HAD, injected, shuffled
from benchmarks._real_data import real_data
from benchmarks._simulated import SEEDS
from crm.history import data_through
from crm.simulator import Simulation, SimulatorSettings, simulate
from crm.sources.files import read_folder
from crm.tables import CrmTables
from features.catalogue import Catalogue, catalogue
from features.dataset import TrainingSet, training_set
from features.histories import Histories
from features.settings import propose
from training.composition import chances, composition
from training.learning import learn
from training.playbook import STRATA, playbook, playbook_of, statements
from training.rows import Rows, all_rows
from training.segments import FALSE_ALARMS
from training.settings import BoostingSettings, Thresholds

TITLE = "The playbook: what was put in, what is of no use, and chance"
DEALS = 3000
A_DAY = 0.1
MOODS = {"whatever the deal's mood": (1.0, 1.0, 1.0), "more often the warmer the deal": (2.0, 1.0, 0.5)}
SHUFFLES = 10


@dataclass(frozen=True)
class World:
    """A company's rows, with what its playbook is made of."""

    training: TrainingSet
    rows: Rows
    known: Catalogue

    @property
    def book(self) -> dict[str, Any]:
        """Its playbook."""
        return playbook(self.rows, self.training.kinds, self.known)


def run() -> str:
    """Four sections; that of loan offers where they are."""
    text = ["### A deed that goes with winning, and one that is of no use", "", *_injections(), ""]
    worlds = {seed: _world(simulate(SimulatorSettings(deals=DEALS, seed=seed)).tables) for seed in SEEDS}
    text += ["### Outcomes dealt out anew", "", *_chance(worlds), ""]
    text += ["### What strata leave of what deals are", "", *_strata(worlds), ""]
    text += ["### What it costs", "", *_cost(worlds[SEEDS[0]])]
    return "\n".join(text)


def _world(tables: CrmTables) -> World:
    histories = Histories(tables)
    training = training_set(histories, propose(histories), data_through(tables))
    return World(training, all_rows(training), catalogue(training.vocabulary))


def _injections() -> list[str]:
    lines = [
        f"{len(SEEDS)} simulated companies of {DEALS:,} deals. Put in: *{DEED}*, once within {WITHIN_DAYS} days of "
        f"coming to {STAGE}, on {WON_HAD:.0%} of the deals won in the end and {LOST_HAD:.0%} of those lost; "
        f"*{USELESS}*, {A_DAY:g} times a day while a deal is open, whatever comes of it. *Recommended*: of the "
        "stages, in how many it is told that won deals had done it; for the useless deed also had it been asked of, "
        "which it is not, as it is logged again and again.",
        "",
        f"| {USELESS} is logged | seed | {DEED} at {STAGE}: odds ratio | segments apart | at later stages | {USELESS} "
        "recommended | had it been asked | more of it goes with winning | with losing | goes with neither |",
        "|---" * 10 + "|",
    ]
    for how, by_mood in MOODS.items():
        for seed in SEEDS:
            world = _world(injected(SimulatorSettings(deals=DEALS, seed=seed), A_DAY, by_mood).tables)
            lines.append(f"| {how} | {seed} | {_injection(world)} |")
            _tell(f"{how}, seed {seed}")
    return lines


def _injection(world: World) -> str:
    book = world.book
    asked_too = replace(world.training.vocabulary, deeds=(DEED, USELESS))
    forced = replace(world, known=catalogue(asked_too)).book
    deed = {stage: one for stage, one in _entries(book, COUNTED[DEED]).items() if one["holds"]}
    found = deed.get(STAGE)
    said = "not found" if found is None else f"{found['odds']:.1f} ({found['low']:.1f} to {found['high']:.1f})"
    apart = 0 if found is None else len(found["segments"])
    useless = [sum(one["holds"] for one in _entries(b, COUNTED[USELESS]).values()) for b in (book, forced)]
    volumes = [one for page in book["stages"].values() for one in page["volume"] if one["feature"] == COUNTED[USELESS]]
    named = [one for one in volumes if one["after"] <= FALSE_ALARMS]
    more, less = (sum((one["odds"] > 1) == side for one in named) for side in (True, False))
    later = len(deed) - (found is not None)
    return (
        f"{said} | {apart} | {later} | {useless[0]} of 5 | {useless[1]} of 5 | {more} | {less} "
        f"| {len(volumes) - len(named)} of {len(volumes)}"
    )


def _entries(book: Mapping[str, Any], feature: str) -> dict[str, Mapping[str, Any]]:
    """A feature's practice by stage."""
    pages = book["stages"].items()
    return {stage: one for stage, page in pages for one in page["practices"] if one["feature"] == feature}


def _chance(worlds: Mapping[int, World]) -> list[str]:
    lines = [
        f"The outcomes of closed deals dealt out anew among them, {SHUFFLES} times a company: whatever holds is a "
        f"false alarm. A statement is told where one in {1 / FALSE_ALARMS:.0f} of those told may be chance.",
        "",
        "| company | statements tried | told | playbooks with any | of segments, told apart | volumes named |",
        "|---|---|---|---|---|---|",
    ]
    named = {f"simulated, seed {seed}": world for seed, world in worlds.items()}
    folder = real_data("loan_offers")
    if folder is not None:
        tables = read_folder(folder).tables
        named["loan offers"] = _world(replace(tables, fixed=tables.fixed | {"amount"}))
    for name, world in named.items():
        books = [playbook(shuffled(world.rows, seed), world.training.kinds, world.known) for seed in range(SHUFFLES)]
        told = [_told(book) for book in books]
        tried = sum(page["tried"] for book in books for page in book["stages"].values())
        apart = sum(len(one["segments"]) for book in books for page in book["stages"].values()
                    for one in page["practices"])  # fmt: skip
        volumes = sum(one["after"] <= FALSE_ALARMS for book in books for page in book["stages"].values()
                      for one in page["volume"])  # fmt: skip
        lines.append(
            f"| {name} | {tried:,} | {sum(told)} | {sum(one > 0 for one in told)} of {SHUFFLES} | {apart} | {volumes} |"
        )
        _tell(f"shuffled {name}")
    return lines


def _strata(worlds: Mapping[int, World]) -> list[str]:
    lines = [
        "In the simulated company nothing that a rep does wins a deal; what won deals had more of, they had because "
        "buyers were warm. So whatever is told is what the strata leave: of statements tried, how many hold without "
        f"strata, with 5 and with {STRATA} of the chance by what no rep does, and with {STRATA} of the true chance, "
        "which no CRM shows.",
        "",
        f"| seed | tried | no strata | 5 | {STRATA} | {STRATA} of the true chance |",
        "|---|---|---|---|---|---|",
    ]
    for seed, world in worlds.items():
        made = simulate(SimulatorSettings(deals=DEALS, seed=seed))
        counts = [_told(_with(world, strata)) for strata in (1, 5, STRATA)]
        truth = _told(_with(world, STRATA, made))
        tried = sum(page["tried"] for page in world.book["stages"].values())
        lines.append(f"| {seed} | {tried} | {counts[0]} | {counts[1]} | {counts[2]} | {truth} |")
        _tell(f"strata, seed {seed}")
    return lines


def _with(world: World, strata: int, truth: Simulation | None = None) -> dict[str, Any]:
    """The playbook by so many strata, of the true chance where it is given."""

    def chance(rows: Rows, places: np.ndarray) -> np.ndarray:
        if truth is not None:
            return truth.true_win_probability(world.training.ids[places], rows.as_of[places])
        return chances(rows, places, composition(rows.names, world.known))

    return playbook_of(world.rows, {}, world.known, chance, strata)


def _told(book: Mapping[str, Any]) -> int:
    return sum(one["holds"] for page in book["stages"].values() for one in page["practices"])


def _cost(world: World) -> list[str]:
    began = time.process_time()
    learn(world.training, BoostingSettings(), Thresholds())
    whole = time.process_time() - began
    began = time.process_time()
    world.book  # noqa: B018 (timed)
    part = time.process_time() - began
    rows, asked = len(world.rows), len(statements(world.rows, world.known))
    return [
        f"A company of {DEALS:,} deals ({rows:,} snapshots, {asked} statements a stage): the playbook takes "
        f"{part / whole:.1%} of the processor time of a training."
    ]


def _tell(what: str) -> None:
    print(f"   {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
